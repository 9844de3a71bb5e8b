/**
 * Segments that arrived ahead of their turn, by sequence number, without overlaps.
 *
 * Small ones are copied into small slots, so that an ordinary packet does not keep a 64 KiB one.
 */

import { type Arena, SMALL_SLOT } from "../../arena.ts";
import { seqAdd, seqDiff, seqLe, seqLt } from "./seq.ts";

/**
 * So many pieces at most: a window of 1 MiB in ordinary packets is 725 of them. Further ones are dropped
 * and come again, which to the sender looks like congestion.
 */
const MOST_PIECES = 1024;

/**
 * The last quarter of the slots is not for what came too early: those leave only when something else
 * arrives, and that needs a slot.
 */
const SPARED = 4;

interface Piece {
  sequence: number;
  at: number;
  end: number;
}

export class ReorderQueue {
  readonly #arena: Arena;
  readonly #pieces: Piece[] = [];
  /** The sequence number of what arrived last: its block is reported first (RFC 2018, section 4). */
  #latest = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /**
   * Keeps `[at, end)` that begins at `sequence`, less what is here already. The slot is retained, or the
   * bytes are copied; the caller keeps its own reference. False when there is no room.
   */
  insert(sequence: number, at: number, end: number): boolean {
    const pieces = this.#pieces;
    this.#latest = sequence;
    // Once for each gap between pieces that are here: most often there is one.
    while (at < end) {
      let index = pieces.length;
      while (index > 0 && seqLt(sequence, pieces[index - 1]!.sequence)) index--;
      const before = pieces[index - 1];
      const covered = before === undefined ? 0 : seqDiff(endOf(before), sequence);
      if (covered > 0) {
        sequence = seqAdd(sequence, covered);
        at += covered;
        if (at >= end) return true;
      }
      const after = pieces[index];
      const gap = after === undefined ? end - at : seqDiff(after.sequence, sequence);
      const length = Math.min(gap, end - at);
      if (length > 0) {
        const kept = this.#keep(at, at + length);
        if (kept < 0) return false;
        pieces.splice(index, 0, { sequence, at: kept, end: kept + length });
        sequence = seqAdd(sequence, length);
        at += length;
      }
    }
    return true;
  }

  /** Takes the piece that `sequence` falls into, trimmed to begin there; undefined when none does. */
  take(sequence: number): Piece | undefined {
    const pieces = this.#pieces;
    while (pieces.length > 0 && seqLe(pieces[0]!.sequence, sequence)) {
      const piece = pieces.shift()!;
      const stale = seqDiff(sequence, piece.sequence);
      if (stale < piece.end - piece.at) {
        piece.at += stale;
        piece.sequence = sequence;
        return piece;
      }
      this.#arena.release(piece.at);
    }
    return undefined;
  }

  /** Fills `blocks` with up to `most` pairs of edges, the newest first; returns how many. */
  sackBlocks(blocks: Uint32Array, most: number): number {
    let count = 0;
    let left = 0;
    let right = 0;
    let open = false;
    for (const piece of this.#pieces) {
      if (open && piece.sequence === right) {
        right = seqAdd(right, piece.end - piece.at);
        continue;
      }
      if (open) count = this.#report(blocks, count, most, left, right);
      open = true;
      left = piece.sequence;
      right = seqAdd(left, piece.end - piece.at);
    }
    return open ? this.#report(blocks, count, most, left, right) : 0;
  }

  clear(): void {
    for (const piece of this.#pieces) this.#arena.release(piece.at);
    this.#pieces.length = 0;
  }

  #report(blocks: Uint32Array, count: number, most: number, left: number, right: number): number {
    const isLatest = seqLe(left, this.#latest) && seqLt(this.#latest, right);
    if (isLatest && count > 0) {
      blocks.copyWithin(2, 0, 2 * Math.min(count, most - 1));
      blocks[0] = left;
      blocks[1] = right;
      return Math.min(count + 1, most);
    }
    if (count === most) return count;
    blocks[2 * count] = left;
    blocks[2 * count + 1] = right;
    return count + 1;
  }

  #keep(at: number, end: number): number {
    if (this.#pieces.length >= MOST_PIECES) return -1;
    const arena = this.#arena;
    if (end - at <= SMALL_SLOT) {
      if (arena.freeSmall * SPARED < arena.smallCount) return -1;
      const copy = arena.takeSmall();
      if (copy >= 0) arena.bytes.copyWithin(copy, at, end);
      return copy;
    }
    if (arena.freeLarge * SPARED < arena.largeCount) return -1;
    arena.retain(at);
    return at;
  }
}

function endOf(piece: Piece): number {
  return seqAdd(piece.sequence, piece.end - piece.at);
}
