/**
 * Makes the showcase forget what is old. A request that it has forgotten is read from Postgres, so it is forgotten only
 * when the archive has each record that the showcase has of it: an archive that is behind, or a Postgres that is away,
 * costs memory and takes nothing from a reader. Only the bound, which keeps the pod alive, is stronger than that.
 */
import { type Clock, Gauge, type Log, pause, type Registry, type Service } from '@osago/service-kit';
import type { Offsets } from '@osago/quotes';
import type { Forgettable, Showcase } from './showcase.ts';

const EVICT_MS = 10_000;
/** Ten times as many as the people of today bring in that time. One statement asks the archive for so many. */
const ASKED_MAX = 5_000;

const isLevel = (archived: Offsets | undefined, { offsets }: Forgettable): boolean =>
  offsets.every((offset, at) => (archived?.[at] ?? -1) >= offset);

export interface ShowcaseEvictionDeps {
  showcase: Showcase;
  /** How far the archive is with each of these requests, by id in lower case; without those it has nothing of. */
  archivedOffsets: (requestIds: readonly string[]) => Promise<ReadonlyMap<string, Offsets>>;
  clock: Clock;
  log: Log;
  metrics: Registry;
}

export class ShowcaseEviction implements Service {
  readonly name = 'showcase-eviction';
  readonly #deps: ShowcaseEvictionDeps;
  /** At the last look: past their time, and not in the archive. */
  readonly #unarchived: Gauge;

  constructor(deps: ShowcaseEvictionDeps) {
    this.#deps = deps;
    this.#unarchived = new Gauge({
      name: 'osago_showcase_unarchived_requests',
      help: 'Requests past their time that the showcase keeps because the archive does not have all of them',
      registers: [deps.metrics],
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.evict();
      await pause(EVICT_MS, signal);
    }
  }

  /** Returns how many were forgotten. */
  async evict(): Promise<number> {
    const { clock, log, showcase } = this.#deps;
    const before = showcase.size;
    const nowMs = clock.nowMs();
    this.#unarchived.set(await this.#forgetArchived(showcase.past(nowMs, ASKED_MAX)));
    if (showcase.surplus > 0) await this.#forgetArchived(showcase.closed(nowMs, Math.min(showcase.surplus, ASKED_MAX)));
    // What the archive does not have goes last, and before the pod runs out of memory.
    const forced = showcase.closed(nowMs, showcase.surplus).filter((one) => showcase.forget(one));
    if (forced.length > 0) log.error({ count: forced.length }, 'requests are forgotten that the archive does not have: it is behind');
    return before - showcase.size;
  }

  /** Returns how many had to stay. */
  async #forgetArchived(candidates: readonly Forgettable[]): Promise<number> {
    const { archivedOffsets, log, showcase } = this.#deps;
    if (candidates.length === 0) return 0;
    try {
      const archived = await archivedOffsets(candidates.map(({ requestId }) => requestId));
      const level = candidates.filter((one) => isLevel(archived.get(one.requestId.toLowerCase()), one));
      for (const one of level) showcase.forget(one);
      return candidates.length - level.length;
    } catch (error) {
      log.warn({ error, count: candidates.length }, 'the archive cannot be asked, so nothing is forgotten');
      return candidates.length;
    }
  }
}
