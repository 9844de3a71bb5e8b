/**
 * Limits in time that the engine's parts set for themselves: one heap, whose earliest the engine's loop
 * wakes for. Not `setTimeout`: a thread that blocks in io_uring runs none.
 */

import { type Timed, TimerHeap } from "../stack/timer_heap.ts";

/** One call to come. */
export class Alarm implements Timed {
  deadline: number;
  heapTime = 0;
  heapIndex = -1;
  readonly callback: () => void;
  readonly #heap: TimerHeap<Alarm>;

  constructor(heap: TimerHeap<Alarm>, deadline: number, callback: () => void) {
    this.#heap = heap;
    this.deadline = deadline;
    this.callback = callback;
  }

  /** It does not come; nothing happens when it already has. */
  cancel(): void {
    this.#heap.remove(this);
  }
}

export class Alarms {
  readonly #heap = new TimerHeap<Alarm>();

  get nextDeadline(): number {
    return this.#heap.next;
  }

  set(deadline: number, callback: () => void): Alarm {
    const alarm = new Alarm(this.#heap, deadline, callback);
    this.#heap.update(alarm);
    return alarm;
  }

  /** Calls back whoever is due. */
  advance(now: number): void {
    for (let due = this.#heap.takeDue(now); due !== undefined; due = this.#heap.takeDue(now)) {
      due.callback();
    }
  }
}
