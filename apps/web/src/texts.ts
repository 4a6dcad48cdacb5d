/** Which words the page speaks. Russian unless the person has chosen otherwise in this browser. */
import { en } from './en.ts';
import { ru } from './ru.ts';

export type Texts = typeof ru;
export type Language = 'ru' | 'en';

export const TEXTS: Readonly<Record<Language, Texts>> = { ru, en };

const REMEMBERED_AS = 'osago.language';

type Memory = Pick<Storage, 'getItem' | 'setItem'>;

/** A browser may refuse its storage; then the choice lasts as long as the page. */
export const rememberedLanguage = (memory: () => Memory): Language => {
  try {
    return memory().getItem(REMEMBERED_AS) === 'en' ? 'en' : 'ru';
  } catch {
    return 'ru';
  }
};

export const rememberLanguage = (memory: () => Memory, language: Language): boolean => {
  try {
    memory().setItem(REMEMBERED_AS, language);
    return true;
  } catch {
    return false;
  }
};
