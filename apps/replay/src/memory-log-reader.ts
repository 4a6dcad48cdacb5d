/** Bounded reading of the bus in memory, for tests. Remembers what it handed over. */
import type { Lane, LogReader, LogRecord, MemoryEventBus, ReadHandlers } from '@osago/event-bus';

export class MemoryLogReader implements LogReader {
  readonly #bus: MemoryEventBus;
  readonly handedOver: LogRecord[] = [];

  constructor(bus: MemoryEventBus) {
    this.#bus = bus;
  }

  async read(lanes: readonly Lane[], handlers: ReadHandlers, signal: AbortSignal): Promise<void> {
    for (const [at, lane] of lanes.entries()) {
      for (const range of lane) {
        if (signal.aborted) return;
        const records = this.#bus.read(range, range.from).filter(({ offset }) => offset < range.to);
        this.handedOver.push(...records);
        await handlers.onRecords(records);
      }
      await handlers.onLaneEnd?.(at);
    }
  }
}
