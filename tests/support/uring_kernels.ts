/** Kernels that have less of io_uring, or allow less of it, than the one that the tests run on. */

import { OperationProbe, Parameter, REGISTER_PROBE } from "../../ffi/uring_abi_linux.ts";
import { type Kernel, systemCalls } from "../../ffi/uring_kernel_linux.ts";

/** One that answers a system call with an error. */
export function refusing(call: keyof Kernel, code: number): Kernel {
  return { ...systemCalls, [call]: () => -code };
}

/** One that says at set-up that it lacks a feature. */
export function withoutFeature(feature: number): Kernel {
  return {
    ...systemCalls,
    setup(entries, parameters) {
      const fd = systemCalls.setup(entries, parameters);
      new Uint32Array(parameters.buffer)[Parameter.Features]! &= ~feature;
      return fd;
    },
  };
}

/** One that lacks an operation. */
export function withoutOperation(opcode: number): Kernel {
  return {
    ...systemCalls,
    register(fd, operation, argument, count) {
      const result = systemCalls.register(fd, operation, argument, count);
      const { Head, Place, Flags } = OperationProbe;
      if (operation === REGISTER_PROBE) argument[Head + opcode * Place + Flags] = 0;
      return result;
    },
  };
}

/** One that refuses an operation of `io_uring_register`. */
export function refusingToRegister(refused: number, code: number): Kernel {
  return {
    ...systemCalls,
    register(fd, operation, argument, count) {
      return operation === refused ? -code : systemCalls.register(fd, operation, argument, count);
    },
  };
}

/** One whose `enter` gives these answers without doing anything, then is as it should be. */
export function answering(...answers: number[]): Kernel {
  return {
    ...systemCalls,
    enter(...call) {
      return answers.shift() ?? systemCalls.enter(...call);
    },
  };
}

/** One that takes the first requests, and from then on says that it has, and forgets them. */
export function forgettingAfter(calls: number): Kernel {
  let count = 0;
  return {
    ...systemCalls,
    enter(fd, submit, ...rest) {
      return count++ < calls ? systemCalls.enter(fd, submit, ...rest) : submit;
    },
  };
}

/** One that takes one request at a time. */
export const takingOneByOne: Kernel = {
  ...systemCalls,
  enter(fd, submit, ...rest) {
    return systemCalls.enter(fd, Math.min(submit, 1), ...rest);
  },
};
