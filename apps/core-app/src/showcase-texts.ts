/**
 * Ids and names of insurers, each held once: every request and every leg says them, and JSON.parse makes them anew each
 * time. As many as there could be insurers, and no more: what is beyond is held as it came.
 */
import type { OsagoEvent, PanelMember } from '@osago/contracts';

const TEXTS_MAX = 1_000;

export class SharedTexts {
  readonly #texts = new Map<string, string>();

  get size(): number {
    return this.#texts.size;
  }

  of(text: string): string {
    const held = this.#texts.get(text);
    if (held !== undefined) return held;
    if (this.#texts.size < TEXTS_MAX) this.#texts.set(text, text);
    return text;
  }

  /** The same event. A panel says one deadline again and again, too. */
  in(event: OsagoEvent): OsagoEvent {
    if (event.type !== 'osago.request.submitted.v1') return event;
    const { deadline_at } = event.data;
    const shared = (member: PanelMember): PanelMember => ({
      ...member,
      insurer_id: this.of(member.insurer_id),
      name: this.of(member.name),
      deadline_at: member.deadline_at === deadline_at ? deadline_at : member.deadline_at,
    });
    return { ...event, data: { ...event.data, panel: event.data.panel.map(shared) } };
  }
}
