/** Memory that the kernel shares through a descriptor, such as the queues of an io_uring. */

import { check, errno, libc, SysError } from "./libc.ts";

const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export class SharedMapping {
  readonly buffer: ArrayBuffer;
  readonly #pointer: Deno.PointerObject;

  constructor(fd: number, offset: number, size: number) {
    const pointer = libc().mmap(
      0n,
      BigInt(size),
      PROT_READ_WRITE,
      MAP_SHARED_POPULATE,
      fd,
      BigInt(offset),
    );
    if (pointer === null || Deno.UnsafePointer.value(pointer) === MAP_FAILED) {
      throw new SysError("mmap", errno());
    }
    this.#pointer = pointer;
    this.buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
  }

  /** Unmaps it. The caller sees to it that nobody looks at `buffer` any more. */
  free(): void {
    check("munmap", libc().munmap(this.#pointer, BigInt(this.buffer.byteLength)));
  }
}
