/**
 * The form while it is filled in: what was typed, by JSON Pointer, and the switches. `applicationOf` makes of it what
 * is sent. Hidden parts keep what was typed, so a switch turned back shows it again.
 */
import type { Application } from '@osago/contracts';
import {
  CONTACTS,
  DRIVER,
  PERSON,
  type PlacedField,
  placed,
  POLICY,
  VEHICLE,
  VEHICLE_WITHOUT_VIN,
} from './application-fields.ts';

export interface Draft {
  values: Readonly<Record<string, string>>;
  sameAsOwner: boolean;
  unlimited: boolean;
  driverCount: number;
  agreed: boolean;
  /** It began as a made-up example. */
  isSample: boolean;
}

/** The contract's maximum. */
export const DRIVERS_MAX = 10;

/** JSON as it is sent. Whether it is an application is for the server to say. */
export type Json = string | number | boolean | null | Json[] | { [member: string]: Json };

const USUAL: Draft['values'] = {
  '/vehicle/category': 'B',
  '/vehicle/document/type': 'sts',
  '/purpose': 'personal',
  '/period/months': '12',
};

export const EMPTY_DRAFT: Draft = {
  values: USUAL,
  sameAsOwner: true,
  unlimited: false,
  driverCount: 1,
  agreed: false,
  isSample: false,
};

/** A filled form. Its consent is ticked, for the person of a sample is made up and has nothing to agree to. */
export const draftOf = (application: Application): Draft => {
  const { owner, policyholder, unlimited_drivers, drivers } = application;
  const values: Record<string, string> = {};
  collect(application, '', values);
  return {
    values,
    sameAsOwner: JSON.stringify(owner) === JSON.stringify(policyholder),
    unlimited: unlimited_drivers,
    driverCount: Math.max(drivers.length, 1),
    agreed: true,
    isSample: true,
  };
};

export const withValue = (draft: Draft, pointer: string, typed: string): Draft => ({
  ...draft,
  values: { ...draft.values, [pointer]: typed },
});

export const withDriver = (draft: Draft): Draft => ({
  ...draft,
  driverCount: Math.min(draft.driverCount + 1, DRIVERS_MAX),
});

/** Those behind it move up. */
export const withoutDriver = (draft: Draft, index: number): Draft => {
  const moved = Object.entries(draft.values).flatMap(([pointer, value]): [string, string][] => {
    const [, at, rest] = /^\/drivers\/(\d+)(\/.*)$/.exec(pointer) ?? [];
    if (at === undefined || Number(at) < index) return [[pointer, value]];
    return Number(at) === index ? [] : [[`/drivers/${Number(at) - 1}${rest}`, value]];
  });
  return { ...draft, values: Object.fromEntries(moved), driverCount: draft.driverCount - 1 };
};

export const driverFields = (index: number): PlacedField[] => placed(DRIVER, `/drivers/${index}`);

/** Every field that is on the screen, from top to bottom. */
export const shownFields = (draft: Draft): PlacedField[] => [
  ...placed(VEHICLE, '/vehicle'),
  ...placed(VEHICLE_WITHOUT_VIN, '/vehicle'),
  ...placed(PERSON, '/owner'),
  ...(draft.sameAsOwner ? [] : placed(PERSON, '/policyholder')),
  ...(draft.unlimited ? [] : Array.from({ length: draft.driverCount }, (_, index) => driverFields(index)).flat()),
  ...placed(POLICY, ''),
  ...placed(CONTACTS, '/contacts'),
];

/** Members that are no text field but can have faults: the switch, the list as a whole, the tick. */
export const UNLIMITED = '/unlimited_drivers';
export const DRIVERS = '/drivers';
export const CONSENT = '/consents';

/** Every pointer that a fault can be shown beside, from top to bottom. */
export const shownPointers = (draft: Draft): string[] => {
  const fields = shownFields(draft).map(({ pointer }) => pointer);
  const rest = fields.findIndex((pointer) => !/^\/(vehicle|owner|policyholder)\//.test(pointer));
  return [...fields.slice(0, rest), UNLIMITED, DRIVERS, ...fields.slice(rest), CONSENT];
};

/** Empty fields are left out, the objects around them are not: so the server names each missing member. */
export const applicationOf = (draft: Draft, consents: Application['consents']): Json => {
  const root: Record<string, Json> = { unlimited_drivers: draft.unlimited, drivers: [] };
  for (const { pointer, normalise } of shownFields(draft)) {
    put(root, pointer.slice(1).split('/'), sent(draft.values[pointer], normalise));
  }
  if (draft.sameAsOwner) root['policyholder'] = structuredClone(root['owner'] ?? {});
  root['consents'] = consents.map((consent) => ({ ...consent }));
  return root;
};

const sent = (typed: string | undefined, normalise: PlacedField['normalise']): string | number | undefined =>
  typed === undefined || typed.trim() === '' ? undefined : normalise(typed);

const put = (into: Record<string, Json> | Json[], path: string[], value: string | number | undefined): void => {
  const [member, ...rest] = path;
  if (member === undefined) return;
  const inside = into as Record<string, Json>; // An array takes its index as a member, too.
  if (rest.length === 0) {
    if (value !== undefined) inside[member] = value;
    return;
  }
  inside[member] ??= {};
  put(inside[member] as Record<string, Json>, rest, value);
};

const collect = (value: unknown, pointer: string, values: Record<string, string>): void => {
  if (typeof value === 'string' || typeof value === 'number') values[pointer] = String(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [member, inner] of Object.entries(value)) collect(inner, `${pointer}/${member}`, values);
};
