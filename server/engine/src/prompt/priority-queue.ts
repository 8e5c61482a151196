/** Hands out the smallest of the numbers put in so far: a binary heap. */
export class PriorityQueue {
  readonly #heap: number[] = [];

  push(value: number): void {
    const heap = this.#heap;
    let hole = heap.push(value) - 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent]!;
      if (above <= value) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = value;
  }

  pop(): number | undefined {
    const heap = this.#heap;
    const smallest = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return smallest;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (child >= heap.length || heap[child]! >= last) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
    return smallest;
  }
}
