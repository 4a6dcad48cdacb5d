/** Whether what one reader was told, over all its connections, is one history: no gap, no repeat, never backwards. */
import type { Facts, Versions } from './adapter.ts';

export interface Problem {
  kind: 'gap' | 'repeat' | 'backwards';
  text: string;
}

export class History {
  readonly problems: Problem[] = [];
  readonly #known = new Map<string, number>();
  readonly #sendsEveryVersion: boolean;

  constructor({ sendsEveryVersion = false }: { sendsEveryVersion?: boolean | undefined } = {}) {
    this.#sendsEveryVersion = sendsEveryVersion;
  }

  take({ as, versions }: Facts): void {
    const told = Object.entries(versions);
    if (as === 'snapshot') {
      for (const thing of this.#known.keys())
        if (versions[thing] === undefined) this.#note('backwards', `${thing} is no longer in the snapshot`);
    }
    for (const [thing, version] of told) {
      const known = this.#known.get(thing);
      if (known !== undefined) this.#compare(as, { thing, known, version });
      this.#known.set(thing, Math.max(version, known ?? version));
    }
  }

  #compare(as: Facts['as'], { thing, known, version }: { thing: string; known: number; version: number }): void {
    if (version < known) {
      // A delta that was already told, or an old state shown as the present one.
      if (as === 'snapshot') this.#note('backwards', `${thing} goes from ${known} back to ${version}`);
      else this.#note('repeat', `${thing} ${version} again after ${known}`);
    } else if (as === 'change' && version === known) this.#note('repeat', `${thing} ${version} twice`);
    else if (as === 'change' && this.#sendsEveryVersion && version > known + 1)
      this.#note('gap', `${thing} goes from ${known} to ${version}`);
  }

  #note(kind: Problem['kind'], text: string): void {
    this.problems.push({ kind, text: `${kind}: ${text}` });
  }

  /** What it does not know, though it must. */
  lacks(truth: Versions): string[] {
    return Object.entries(truth).flatMap(([thing, version]) => {
      const known = this.#known.get(thing);
      if (known !== undefined && known >= version) return [];
      return [`gap: ${thing} is at ${version}, the reader is at ${known ?? 'nothing'}`];
    });
  }
}
