/** The real file system, with somebody who is asked before each operation that changes it. */

import { type Disk, realDisk } from "../../src/host/disk.ts";

/** Operations that leave nothing behind: stopping before one of them is stopping before the next. */
const READING = new Set(["look", "read", "readLink", "list"]);

export type BeforeOperation = (name: keyof Disk, args: readonly unknown[]) => void;

/** A disk that calls `before` ahead of every operation that changes something; it may throw. */
export function watchedDisk(before: BeforeOperation, disk: Disk = realDisk): Disk {
  return new Proxy(disk, {
    get(target, property) {
      const name = property as keyof Disk;
      const operation = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (!READING.has(name)) before(name, args);
        return operation(...args);
      };
    },
  });
}

/** A disk on which what ends in `.mounted` is a mount: nothing can be renamed over it. */
export function diskWithMounts(disk: Disk = realDisk): Disk {
  return {
    ...disk,
    rename(from, to) {
      if (!to.endsWith(".mounted")) return disk.rename(from, to);
      throw Object.assign(new Error(`Device or resource busy: ${to}`), { code: "EBUSY" });
    },
  };
}

/** What a power failure would lose is not what these tests are about: they would wait for the disk. */
export const quickDisk: Disk = { ...realDisk, sync() {} };

function tear(disk: Disk, file: Deno.FsFile, bytes: Uint8Array): void {
  disk.write(file, bytes.subarray(0, bytes.length >> 1));
}

/** The end of a process, within a process: nothing works from here on. */
export class Crash extends Error {}

/**
 * A disk that dies at its n-th changing operation, counted from 0, and stays dead. A write is torn: half
 * of it is there.
 */
export class MortalDisk {
  readonly disk: Disk;
  /** Changing operations so far. */
  operations = 0;
  #dead = false;
  readonly #files: Deno.FsFile[] = [];

  constructor(diesAt: number, disk: Disk) {
    const mortal = watchedDisk((name, args) => {
      if (this.operations === diesAt && !this.#dead) {
        this.#dead = true;
        if (name === "write") tear(disk, ...args as Parameters<Disk["write"]>);
      }
      if (this.#dead) throw new Crash();
      this.operations += 1;
    }, disk);
    this.disk = new Proxy(mortal, {
      get: (target, property) => {
        if (property !== "open") return target[property as keyof Disk];
        return (path: string, options: Deno.OpenOptions) => {
          const file = target.open(path, options);
          this.#files.push(file);
          return file;
        };
      },
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** A process that ends closes what it has open. */
  closeFiles(): void {
    for (const file of this.#files) {
      try {
        file.close();
      } catch {
        // Closed in order, before the end.
      }
    }
  }
}
