/**
 * Small programs for the kernel's packet machine (eBPF): put together from instructions, and loaded.
 *
 * Only what ztun's one program needs. See `Documentation/bpf/standardization/instruction-set.rst` of the
 * kernel, and `man 2 bpf`.
 */

import { set16le, set32le } from "../src/bytes.ts";
import { check, libc } from "./libc.ts";
import { Memory } from "./memory.ts";

const SYS_BPF = Deno.build.arch === "x86_64" ? 321 : 280;

const BPF_MAP_CREATE = 0;
const BPF_PROG_LOAD = 5;
const MAP_TYPE_LRU_HASH = 9;
const PROG_TYPE_SOCKET_FILTER = 1;
const PSEUDO_MAP_FD = 1;

const INSTRUCTION = 8;
/** `union bpf_attr`, as far as it is filled in here; the kernel takes the rest for zero. */
const MAP_ATTRIBUTES = 20;
const PROGRAM_ATTRIBUTES = 48;

export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

interface Instruction {
  readonly code: number;
  readonly destination: Register;
  readonly source: Register;
  /** A number of bytes, or the label that a jump goes to. */
  readonly offset: number | string;
  readonly immediate: number;
}

/** Instructions one after another; a text is a label, for the instruction behind it. */
export type Program = readonly (Instruction | string)[];

function instruction(
  code: number,
  destination: Register,
  source: Register = 0,
  offset: number | string = 0,
  immediate = 0,
): Instruction {
  return { code, destination, source, offset, immediate };
}

function withNumber(code: number) {
  return (register: Register, value: number) => instruction(code, register, 0, 0, value);
}

function withRegister(code: number) {
  return (register: Register, other: Register) => instruction(code, register, other);
}

export const set = withNumber(0xb7);
export const copy = withRegister(0xbf);
export const add = withNumber(0x07);
export const multiply = withNumber(0x27);
export const shiftLeft = withNumber(0x67);
export const shiftRight = withNumber(0x77);
export const and = withNumber(0x57);
export const or = withRegister(0x4f);
/** On the lower 32 bits; the upper ones become zero. */
export const add32 = withRegister(0x0c);
export const multiply32 = withNumber(0x24);

/** Packet bytes in network order into register 0. Behind the packet's end the program ends, with 0. */
export const packet8 = (at: number) => instruction(0x30, 0, 0, 0, at);
export const packet16 = (at: number) => instruction(0x28, 0, 0, 0, at);
export const packet32 = (at: number) => instruction(0x20, 0, 0, 0, at);
/** The two bytes at the place that a register says. */
export const packet16At = (at: Register) => instruction(0x48, 0, at);

export const goto = (label: string) => instruction(0x05, 0, 0, label);
export const ifEqual = (register: Register, value: number, label: string) =>
  instruction(0x15, register, 0, label, value);
export const ifNot = (register: Register, value: number, label: string) =>
  instruction(0x55, register, 0, label, value);

export const load32 = (register: Register, from: Register) => instruction(0x61, register, from);
export const store32 = (to: Register, offset: number, register: Register) =>
  instruction(0x63, to, register, offset);
export const store64 = (to: Register, offset: number, register: Register) =>
  instruction(0x7b, to, register, offset);

/** Two instructions long: a map, by its descriptor. */
export const loadMap = (register: Register, fd: number): Instruction[] => [
  instruction(0x18, register, PSEUDO_MAP_FD, 0, fd),
  instruction(0, 0),
];

/** A function of the kernel, with its arguments in registers 1 to 5 and its result in 0. */
export const call = (helper: number) => instruction(0x85, 0, 0, 0, helper);
export const exit = instruction(0x95, 0);

/** What the kernel reads: eight bytes for each instruction, labels turned into distances. */
export function assemble(program: Program): Uint8Array {
  const labels = new Map<string, number>();
  const instructions: Instruction[] = [];
  for (const line of program) {
    if (typeof line === "string") labels.set(line, instructions.length);
    else instructions.push(line);
  }
  const bytes = new Uint8Array(instructions.length * INSTRUCTION);
  for (const [index, { code, destination, source, offset, immediate }] of instructions.entries()) {
    const at = index * INSTRUCTION;
    bytes[at] = code;
    bytes[at + 1] = destination | (source << 4);
    set16le(bytes, at + 2, typeof offset === "number" ? offset : labels.get(offset)! - index - 1);
    set32le(bytes, at + 4, immediate);
  }
  return bytes;
}

/** A map of so many entries, of which the one that was not used for the longest time goes first. */
export function makeRecentMap(keySize: number, valueSize: number, entries: number): number {
  const attributes = new Uint8Array(128);
  [MAP_TYPE_LRU_HASH, keySize, valueSize, entries].forEach((value, at) =>
    set32le(attributes, at * 4, value)
  );
  return check("BPF_MAP_CREATE", bpf(BPF_MAP_CREATE, attributes, MAP_ATTRIBUTES));
}

/** The descriptor of a program over packets, which lives as long as that, or as it is attached. */
export function loadPacketProgram(program: Program): number {
  return loadProgram(PROG_TYPE_SOCKET_FILTER, program);
}

/** As `loadPacketProgram`, for a program of another type (`BPF_PROG_TYPE_…`). */
export function loadProgram(type: number, program: Program): number {
  const instructions = assemble(program);
  // The kernel wants a license; an empty one is none, and forbids nothing that is used here.
  const memory = new Memory(instructions.length + 1);
  memory.bytes.set(instructions);
  const attributes = new Uint8Array(128);
  const words = new Uint32Array(attributes.buffer);
  words[0] = type;
  words[1] = instructions.length / INSTRUCTION;
  memory.writeAddress(words, 2, 0);
  memory.writeAddress(words, 4, instructions.length);
  try {
    return check("BPF_PROG_LOAD", bpf(BPF_PROG_LOAD, attributes, PROGRAM_ATTRIBUTES));
  } finally {
    memory.free();
  }
}

/** The call itself: a command and its `union bpf_attr`. A result below zero means that `errno()` says why. */
export function bpf(command: number, attributes: Uint8Array<ArrayBuffer>, size: number): number {
  return libc().bpf(SYS_BPF, command, attributes, size);
}
