/** Every member of an application has a field of the form, or is known to have none: a fault of it is shown beside the field. */
import { describe, expect, test } from '@jest/globals';
import { Application, faultOf } from '@osago/contracts';
import { type Draft, EMPTY_DRAFT, shownPointers } from './application-draft.ts';
import { memberWords } from './quote-words.ts';
import { placeFaults } from './place-faults.ts';
import { TEXTS } from './texts.ts';

/** What is looked at of a schema. */
interface Schema {
  type?: string;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
}

/** Members of a list are those of its first element. */
const leavesOf = ({ anyOf: variants, items, properties, type }: Schema, at = ''): string[] => {
  if (variants !== undefined) {
    return variants.every((variant) => variant.type === 'object') ? variants.flatMap((variant) => leavesOf(variant, at)) : [at];
  }
  if (type === 'array') return leavesOf(items ?? {}, `${at}/0`);
  if (type !== 'object') return [at];
  return Object.entries(properties ?? {}).flatMap(([name, member]) => leavesOf(member, `${at}/${name}`));
};

const LEAVES = [...new Set(leavesOf(Application as Schema))];

/** What a partner may send and a person is not asked for. */
const API_ONLY = [
  /^\/vehicle\/further_documents\//,
  /_?address\/(kladr|fias)$/,
  /^\/(owner|policyholder)\/kind$/,
  /^\/drivers\/0\/previous_licence\/(first|middle)_name$/,
];
const isApiOnly = (pointer: string): boolean => API_ONLY.some((pattern) => pattern.test(pointer));

/** A form with everything in it, as people or as companies, of that category. */
const drafts = ['B', 'C', 'D'].flatMap((category) =>
  [false, true].map((isCompany): Draft => ({
    ...EMPTY_DRAFT,
    values: { ...EMPTY_DRAFT.values, '/vehicle/category': category },
    sameAsOwner: false,
    company: { owner: isCompany, policyholder: isCompany },
  })),
);

describe('a fault of a member', () => {
  test.each(LEAVES.filter((pointer) => !isApiOnly(pointer)))('%s is shown beside a field of some form', (pointer) => {
    const isPlaced = (draft: Draft): boolean =>
      placeFaults([faultOf(pointer, 'required')], shownPointers(draft), draft.sameAsOwner).byField.size === 1;
    expect(drafts.some(isPlaced)).toBe(true);
  });

  test.each(LEAVES)('%s that has no place is named on top of the form', (pointer) => {
    const { byField, unplaced } = placeFaults([faultOf(pointer, 'bad_format')], ['/vehicle/vin'], false);
    expect(byField.size + unplaced.length).toBe(1);
  });
});

test.each(LEAVES.filter((pointer) => !isApiOnly(pointer) && !/^.(consents|unlimited_drivers)/.test(pointer)))('%s has a name for people', (pointer) => {
  for (const texts of [TEXTS.ru, TEXTS.en]) expect(memberWords(texts, pointer)).not.toContain('/');
});
