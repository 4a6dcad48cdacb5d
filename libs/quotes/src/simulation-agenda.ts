/** Virtual time: what is to happen, in the order of its moments. No timer runs; the clock jumps to the next moment. */

interface Item {
  readonly atMs: number;
  /** Items of one moment happen in the order in which they were put down. */
  readonly turn: number;
  readonly happen: () => void;
}

const isBefore = (a: Item, b: Item): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.turn < b.turn);

export class Agenda {
  #nowMs: number;
  #turns = 0;
  /** A binary heap: the next item is the first. */
  readonly #items: Item[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, happen: () => void): void {
    this.#turns += 1;
    this.#items.push({ atMs: Math.max(atMs, this.#nowMs), turn: this.#turns, happen });
    this.#rise(this.#items.length - 1);
  }

  after(delayMs: number, happen: () => void): void {
    this.at(this.#nowMs + delayMs, happen);
  }

  /** Until nothing is left. More items than `itemsMax` mean that somebody goes round in circles. */
  run(itemsMax: number): void {
    for (let items = 0; ; items += 1) {
      const next = this.#take();
      if (next === undefined) return;
      if (items === itemsMax) throw new Error(`more than ${itemsMax} things happen`);
      this.#nowMs = next.atMs;
      next.happen();
    }
  }

  #take(): Item | undefined {
    const [first] = this.#items;
    const last = this.#items.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.#items[0] = last;
    this.#sink();
    return first;
  }

  #swapIfBefore(child: number, parent: number): boolean {
    const [a, b] = [this.#items[child], this.#items[parent]];
    if (a === undefined || b === undefined || !isBefore(a, b)) return false;
    this.#items[child] = b;
    this.#items[parent] = a;
    return true;
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0 && this.#swapIfBefore(at, (at - 1) >> 1)) at = (at - 1) >> 1;
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      const [left, right] = [this.#items[2 * at + 1], this.#items[2 * at + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = 2 * at + (isRight ? 2 : 1);
      if (!this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }
}
