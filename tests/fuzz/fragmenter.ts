/** Cuts packets into fragments, and loses, doubles, swaps and misplaces some of them. */

import { get16, set16, set32 } from "../../src/bytes.ts";
import type { Random } from "./random.ts";
import { repairChecksums } from "./repair.ts";

const FRAGMENT = 44;

/** The pieces of the IP packet in `[at, end)`, each behind a virtio header of zeros when `vnet`. */
export function fragment(
  random: Random,
  bytes: Uint8Array,
  at: number,
  end: number,
  vnet: boolean,
): Uint8Array[] {
  const ipv4 = bytes[at]! >> 4 === 4;
  const header = ipv4 ? 20 : 40;
  const size = 8 * (1 + random.below(random.oneIn(2) ? 180 : 20));
  const id = random.below(0x1_0000);
  const pieces: Uint8Array[] = [];
  const length = end - at - header;
  for (let offset = 0; offset < length && pieces.length < 64; offset += size) {
    const piece = Math.min(size, length - offset);
    const more = offset + piece < length;
    pieces.push(
      ipv4 ? cut4(bytes, at, offset, piece, more, id) : cut6(bytes, at, offset, piece, more, id),
    );
  }
  return disorder(random, pieces).map((piece) => vnet ? behindVirtio(piece) : piece);
}

function cut4(
  bytes: Uint8Array,
  at: number,
  offset: number,
  length: number,
  more: boolean,
  id: number,
): Uint8Array {
  const piece = new Uint8Array(20 + length);
  piece.set(bytes.subarray(at, at + 20));
  piece.set(bytes.subarray(at + 20 + offset, at + 20 + offset + length), 20);
  set16(piece, 2, piece.length);
  set16(piece, 4, id);
  set16(piece, 6, (offset / 8) | (more ? 0x2000 : 0));
  repairChecksums(piece, 0, piece.length);
  return piece;
}

function cut6(
  bytes: Uint8Array,
  at: number,
  offset: number,
  length: number,
  more: boolean,
  id: number,
): Uint8Array {
  const piece = new Uint8Array(48 + length);
  piece.set(bytes.subarray(at, at + 40));
  piece.set(bytes.subarray(at + 40 + offset, at + 40 + offset + length), 48);
  set16(piece, 4, 8 + length);
  piece[40] = piece[6]!;
  piece[6] = FRAGMENT;
  set16(piece, 42, offset | (more ? 1 : 0));
  set32(piece, 44, id);
  return piece;
}

function disorder(random: Random, pieces: Uint8Array[]): Uint8Array[] {
  if (pieces.length === 0 || random.oneIn(3)) return pieces;
  for (let times = random.below(4); times > 0; times--) {
    const index = random.below(pieces.length);
    const piece = pieces[index]!;
    switch (random.below(4)) {
      case 0:
        pieces.splice(index, 1);
        if (pieces.length === 0) return pieces;
        break;
      case 1:
        pieces.push(piece.slice());
        break;
      case 2:
        pieces.reverse();
        break;
      default:
        misplace(random, piece);
    }
  }
  return pieces;
}

function misplace(random: Random, piece: Uint8Array): void {
  const field = piece[0]! >> 4 === 4 ? 6 : 42;
  set16(piece, field, get16(piece, field) ^ (1 << random.below(16)));
  repairChecksums(piece, 0, piece.length);
}

function behindVirtio(piece: Uint8Array): Uint8Array {
  const framed = new Uint8Array(10 + piece.length);
  framed.set(piece, 10);
  return framed;
}
