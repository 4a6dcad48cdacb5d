/**
 * What a person agrees to, word for word. The hash of the shown text goes with the application as the proof of what
 * was agreed. A changed word needs a new version and a new hash; a test holds them together.
 */
import type { Application } from '@osago/contracts';
import type { Language } from './texts.ts';

interface ConsentText {
  version: string;
  text: string;
  textSha256: string;
}

export const CONSENTS: Readonly<Record<Language, ConsentText>> = {
  ru: {
    version: '2026-11-ru',
    text:
      'Я согласен на обработку указанных в заявке персональных данных и на их передачу страховым компаниям, ' +
      'участвующим в расчёте, чтобы получить предложения ОСАГО. Согласие можно отозвать в любой момент.',
    textSha256: '282ae926799e5f0f7106d0af54e0aa9129e2570ae131842499856995dc841692',
  },
  en: {
    version: '2026-11-en',
    text:
      'I agree that the personal data of this application is processed and passed on to the insurance companies that ' +
      'take part, in order to get OSAGO quotes. I may withdraw this consent at any time.',
    textSha256: 'ab7de17a746643684588a9b69758109f6c8e7c6aca2a920c98970e01cebe9143',
  },
};

/** No tick, no consent: the server then says that it is missing. `agreedAt` is when the tick was set. */
export const consentsOf = (agreed: boolean, language: Language, agreedAt?: string): Application['consents'] => {
  const { version, textSha256 } = CONSENTS[language];
  return agreed ? [{ version, text_sha256: textSha256, ...(agreedAt !== undefined && { given_at: agreedAt }) }] : [];
};
