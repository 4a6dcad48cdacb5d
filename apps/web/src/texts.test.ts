import { describe, expect, test } from '@jest/globals';
import { QUOTE_STATUSES, REQUEST_STATUSES } from '@osago/contracts';
import { DRIVER, PERSON, POLICY, SHORT_TERM, VEHICLE } from './application-fields.ts';
import { rememberedLanguage, rememberLanguage, TEXTS } from './texts.ts';

const memoryOf = (kept: Map<string, string>) => () => ({
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => void kept.set(name, value),
});
const refusing = (): never => {
  throw new Error('storage is switched off');
};

/** Every text, by its path; texts with a number in them are tried with one. */
const wordsOf = (texts: unknown, path = ''): [string, string][] => {
  if (typeof texts === 'string') return [[path, texts]];
  if (typeof texts === 'function') return [[path, (texts as (...numbers: number[]) => string)(7, 10)]];
  return Object.entries(texts as object).flatMap(([name, inner]) => wordsOf(inner, `${path}/${name}`));
};

describe('the language', () => {
  test('is Russian at first and the chosen one after', () => {
    const kept = new Map<string, string>();
    expect(rememberedLanguage(memoryOf(kept))).toBe('ru');
    expect(rememberLanguage(memoryOf(kept), 'en')).toBe(true);
    expect(rememberedLanguage(memoryOf(kept))).toBe('en');
  });

  test('is Russian where the browser keeps nothing', () => {
    expect(rememberLanguage(refusing, 'en')).toBe(false);
    expect(rememberedLanguage(refusing)).toBe('ru');
  });
});

describe('the texts', () => {
  test('have the same places in both languages, the records by code included', () => {
    const [ru, en] = [wordsOf(TEXTS.ru), wordsOf(TEXTS.en)];
    expect(en.map(([path]) => path)).toEqual(ru.map(([path]) => path));
  });

  test('are no text left in the other language', () => {
    const cyrillic = wordsOf(TEXTS.en).filter(([, text]) => /[а-яё]/i.test(text));
    // Plates and series are written in Cyrillic letters in any language.
    expect(cyrillic.map(([path]) => path)).toEqual(['/hints/plate', '/hints/licence_series', '/hints/policy_series']);
    const latin = wordsOf(TEXTS.ru).filter(([path, text]) => !/^\/(locale|code)$/.test(path) && /[a-z]{3}/i.test(text.replaceAll('VIN', '')));
    expect(latin).toEqual([]);
  });

  test.each(['ru', 'en'] as const)('name every status in %s', (language) => {
    expect(Object.keys(TEXTS[language].status)).toEqual([...QUOTE_STATUSES]);
    expect(Object.keys(TEXTS[language].request).sort()).toEqual([...REQUEST_STATUSES].sort());
  });

  test('name every option of the form', () => {
    const options = [...VEHICLE, ...PERSON, ...DRIVER, ...POLICY, ...SHORT_TERM].flatMap((field) => field.options ?? []);
    const named = options.filter((option) => !/^\d*$/.test(option));
    expect(Object.keys(TEXTS.ru.options).sort()).toEqual([...named].sort());
  });
});
