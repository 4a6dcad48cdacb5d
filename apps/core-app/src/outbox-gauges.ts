/** What waits in the outbox, for alarms. Sampled: whoever scrapes asks Postgres nothing. */
import { Gauge, type Registry } from '@osago/service-kit';
import type { OutboxCount } from './outbox.ts';

export class OutboxGauges {
  readonly #waiting: Gauge;
  readonly #parked: Gauge;
  readonly #oldest: Gauge;

  constructor(metrics: Registry) {
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers: [metrics] });
    this.#waiting = gauge('osago_outbox_waiting_rows', 'Outbox rows that wait to be published, of all pods');
    this.#parked = gauge('osago_outbox_parked_rows', 'Outbox rows that no try could publish, of all pods');
    this.#oldest = gauge('osago_outbox_oldest_age_seconds', 'Age of the oldest outbox row that waits; 0 when none does');
  }

  set({ waiting, parked, oldest_age_s }: OutboxCount): void {
    this.#waiting.set(waiting);
    this.#parked.set(parked);
    this.#oldest.set(oldest_age_s);
  }
}
