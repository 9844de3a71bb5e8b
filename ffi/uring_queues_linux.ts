/** A ring in the kernel, and the memory that it shares: requests, completions, and where they stand. */

import { libc, SysError } from "./libc.ts";
import { SharedMapping } from "./shared_mapping_linux.ts";
import {
  COMPLETION_WORDS,
  OFFSET_REQUESTS,
  Parameter,
  REQUEST_WORDS,
  SETUP_FLAGS,
} from "./uring_abi_linux.ts";
import type { Kernel } from "./uring_kernel_linux.ts";

const WORD = 4;

export class RingQueues {
  readonly fd: number;
  readonly features: number;
  /** How many requests, and how many completions, there is room for: powers of two. */
  readonly capacity: number;
  readonly completions: number;
  /** The requests, one behind the other. */
  readonly requests: Uint32Array;
  /** Everything else; what follows are indices into it. */
  readonly words: Int32Array;
  readonly requestTailAt: number;
  readonly completionHeadAt: number;
  readonly completionTailAt: number;
  readonly completionsAt: number;
  readonly #mappings: SharedMapping[] = [];

  /** Throws a `SysError` when the kernel does not allow it. */
  constructor(kernel: Kernel, entries: number, completions: number) {
    const parameters = new Uint32Array(32);
    parameters[Parameter.Flags] = SETUP_FLAGS;
    parameters[Parameter.Completions] = completions;
    this.fd = kernel.setup(entries, new Uint8Array(parameters.buffer));
    if (this.fd < 0) throw new SysError("io_uring_setup", -this.fd);
    this.features = parameters[Parameter.Features]!;
    this.capacity = parameters[Parameter.Requests]!;
    this.completions = parameters[Parameter.Completions]!;
    this.requestTailAt = parameters[Parameter.RequestTail]! / WORD;
    this.completionHeadAt = parameters[Parameter.CompletionHead]! / WORD;
    this.completionTailAt = parameters[Parameter.CompletionTail]! / WORD;
    this.completionsAt = parameters[Parameter.CompletionArray]! / WORD;
    try {
      const words = this.completionsAt + this.completions * COMPLETION_WORDS;
      this.words = new Int32Array(this.#map(0, words));
      this.requests = new Uint32Array(this.#map(OFFSET_REQUESTS, this.capacity * REQUEST_WORDS));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The kernel cancels what is under way, some time later. */
  close(): void {
    for (const mapping of this.#mappings) mapping.free();
    libc().close(this.fd);
  }

  #map(offset: number, words: number): ArrayBuffer {
    const mapping = new SharedMapping(this.fd, offset, words * WORD);
    this.#mappings.push(mapping);
    return mapping.buffer;
  }
}
