/**
 * The form while it is filled in: what was typed, by JSON Pointer, and the switches. `applicationOf` makes of it what
 * is sent. Hidden parts keep what was typed, so a switch turned back shows it again.
 */
import type { Application } from '@osago/contracts';
import {
  COMPANY,
  CONTACTS,
  DRIVER,
  FOREIGN_LICENCE,
  PERSON,
  type PlacedField,
  placed,
  POLICY,
  PREVIOUS_LICENCE,
  PROLONGATION,
  RESIDENCE,
  SERIES_OF_PAPER,
  SHORT_TERM,
  TYPE_OF_PAPER,
  USAGE,
  VEHICLE,
  VEHICLE_WITHOUT_VIN,
} from './application-fields.ts';

export type PartyRole = 'owner' | 'policyholder';

export interface Draft {
  values: Readonly<Record<string, string>>;
  sameAsOwner: boolean;
  /** Whether each is a legal entity. */
  company: Readonly<Record<PartyRole, boolean>>;
  unlimited: boolean;
  driverCount: number;
  agreed: boolean;
  /** When the tick was set by a person, RFC 3339. A sample is born with one that nobody set. */
  agreedAt?: string;
  /** It is a made-up example, and nobody's data were typed over it. */
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
  company: { owner: false, policyholder: false },
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
    company: { owner: owner.kind === 'legal_entity', policyholder: policyholder.kind === 'legal_entity' },
    unlimited: unlimited_drivers,
    driverCount: Math.max(drivers.length, 1),
    agreed: true,
    isSample: true,
  };
};

/** What tells of a person or a vehicle, not of the wish for a policy. */
const OWN_DATA = /^\/(vehicle\/(vin|body_number|chassis_number|plate|document)|owner|policyholder|drivers|contacts|prolongation)(\/|$)/;

/** The consent of a sample is nobody's: who types data of one's own over it has agreed to nothing yet. */
export const withValue = (draft: Draft, pointer: string, typed: string): Draft => {
  const { agreedAt: _nobodys, ...rest } = draft;
  const isOwn = draft.isSample && OWN_DATA.test(pointer) && (draft.values[pointer] ?? '') !== typed;
  return {
    ...(isOwn ? { ...rest, agreed: false, isSample: false } : draft),
    values: { ...draft.values, [pointer]: typed },
  };
};

export const withConsent = (draft: Draft, agreed: boolean, at: string): Draft => {
  const { agreedAt: _former, ...rest } = draft;
  return { ...rest, agreed, ...(agreed && { agreedAt: at }) };
};

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
export const foreignLicenceFields = (index: number): PlacedField[] => placed(FOREIGN_LICENCE, `/drivers/${index}`);
export const previousLicenceFields = (index: number): PlacedField[] => placed(PREVIOUS_LICENCE, `/drivers/${index}`);

export const vehicleFields = ({ values }: Draft): PlacedField[] =>
  placed(VEHICLE, '/vehicle').filter(
    ({ categories, pointer }) =>
      (pointer !== SERIES_OF_PAPER || values[TYPE_OF_PAPER] !== 'epts') &&
      categories?.includes(values['/vehicle/category'] ?? '') !== false,
  );

export const partyFields = ({ company }: Draft, role: PartyRole): PlacedField[] =>
  placed(company[role] ? COMPANY : PERSON, `/${role}`);

/** Companies live nowhere else. */
export const residenceFields = ({ company }: Draft, role: PartyRole): PlacedField[] =>
  company[role] ? [] : placed(RESIDENCE, `/${role}`);

/** Every field that is on the screen, from top to bottom. */
export const shownFields = (draft: Draft): PlacedField[] => [
  ...vehicleFields(draft),
  ...placed(VEHICLE_WITHOUT_VIN, '/vehicle'),
  ...(draft.sameAsOwner ? (['owner'] as const) : (['owner', 'policyholder'] as const)).flatMap((role) => [
    ...partyFields(draft, role),
    ...residenceFields(draft, role),
  ]),
  ...(draft.unlimited
    ? []
    : Array.from({ length: draft.driverCount }, (_, index) => [
        ...driverFields(index),
        ...foreignLicenceFields(index),
        ...previousLicenceFields(index),
      ]).flat()),
  ...placed([...POLICY, ...USAGE, ...SHORT_TERM, ...PROLONGATION], ''),
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

/** Empty fields are left out, the objects around them are not, unless rare: so the server names each missing member. */
export const applicationOf = (draft: Draft, consents: Application['consents']): Json => {
  const root: Record<string, Json> = { unlimited_drivers: draft.unlimited, drivers: [] };
  for (const { normalise, pointer, rare } of shownFields(draft)) {
    const value = sent(draft.values[pointer], normalise);
    const isLeftOut = rare === true || standsForeign(draft, pointer);
    if (value !== undefined || !isLeftOut) put(root, pointer.slice(1).split('/'), value);
  }
  for (const role of ['owner', 'policyholder'] as const) {
    if (draft.company[role]) put(root, [role, 'kind'], 'legal_entity');
  }
  if (draft.sameAsOwner) root['policyholder'] = structuredClone(root['owner'] ?? {});
  root['consents'] = consents.map((consent) => ({ ...consent }));
  return root;
};

/** A Russian licence is not asked for where the driver has given a foreign one. */
const standsForeign = ({ values }: Draft, pointer: string): boolean => {
  const driver = /^(\/drivers\/\d+)\/licence\//.exec(pointer)?.[1];
  return driver !== undefined && placed(FOREIGN_LICENCE, driver).some((field) => (values[field.pointer] ?? '').trim() !== '');
};

const sent = (typed: string | undefined, normalise: PlacedField['normalise']): Json | undefined =>
  typed === undefined || typed.trim() === '' ? undefined : normalise(typed);

const put = (into: Record<string, Json> | Json[], path: string[], value: Json | undefined): void => {
  const [member, ...rest] = path;
  if (member === undefined) return;
  const inside = into as Record<string, Json>; // An array takes its index as a member, too.
  if (rest.length === 0) {
    if (value !== undefined) inside[member] = value;
    return;
  }
  inside[member] ??= /^\d+$/.test(rest[0] ?? '') ? [] : {};
  put(inside[member] as Record<string, Json>, rest, value);
};

const collect = (value: unknown, pointer: string, values: Record<string, string>): void => {
  if (typeof value === 'string' || typeof value === 'number' || value === true) values[pointer] = String(value);
  if (typeof value !== 'object' || value === null) return;
  for (const [member, inner] of Object.entries(value)) collect(inner, `${pointer}/${member}`, values);
};
