/** Puts each fault of the server beside the field that it is about; what fits no field goes on top of the form. */
import type { Fault } from '@osago/contracts';

export interface PlacedFaults {
  byField: ReadonlyMap<string, readonly Fault[]>;
  unplaced: readonly Fault[];
}

export const NO_FAULTS: PlacedFaults = { byField: new Map(), unplaced: [] };

/**
 * `shown` are the pointers of the fields on the screen, from top to bottom. A fault
 * of an object belongs to its first field, one deeper than any field to the field or list that it is inside of. With `sameAsOwner` what is wrong with the policyholder is wrong with the
 * owner, who is the one on the screen.
 */
export const placeFaults = (faults: readonly Fault[], shown: readonly string[], sameAsOwner: boolean): PlacedFaults => {
  const byField = new Map<string, Fault[]>();
  const unplaced: Fault[] = [];
  for (const fault of faults) {
    const pointer = sameAsOwner ? fault.pointer.replace(/^\/policyholder(?=\/|$)/, '/owner') : fault.pointer;
    const field = fieldOf(pointer, shown);
    const beside = field === undefined ? unplaced : (byField.get(field) ?? []);
    if (field !== undefined) byField.set(field, beside);
    if (!beside.some(({ code, detail }) => code === fault.code && detail === fault.detail)) beside.push(fault);
  }
  return { byField, unplaced };
};

/** The first field, from top to bottom, that has a fault. */
export const firstFaulty = ({ byField }: PlacedFaults, shown: readonly string[]): string | undefined =>
  shown.find((pointer) => byField.has(pointer));

/** Without those of a field, or of all fields of a section, that were just changed. */
export const withoutFaultsUnder = (faults: PlacedFaults, pointer: string): PlacedFaults => ({
  byField: new Map(
    [...faults.byField].filter(([field]) => field !== pointer && !field.startsWith(`${pointer}/`)),
  ),
  unplaced: faults.unplaced,
});

const fieldOf = (pointer: string, shown: readonly string[]): string | undefined =>
  shown.find((field) => field === pointer) ??
  // The whole application is no section: what is wrong with it goes on top.
  (pointer === '' ? undefined : shown.find((field) => field.startsWith(`${pointer}/`))) ??
  shown.find((field) => pointer.startsWith(`${field}/`));
