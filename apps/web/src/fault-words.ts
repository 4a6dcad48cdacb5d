/** A fault that no field on the screen is about: said with the name of what it is about. */
import type { Fault } from '@osago/contracts';
import { faultText } from '@osago/contracts/fault-texts';
import { memberWords } from './quote-words.ts';
import type { Texts } from './texts.ts';

export const faultWords = (texts: Texts, fault: Fault): string => {
  const words = faultText(fault, texts.code);
  return fault.pointer === '' ? words : `${memberWords(texts, fault.pointer)}: ${words}`;
};
