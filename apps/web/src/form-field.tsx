/** One field with its label, its hint and what is wrong with it. */
import type { Fault } from '@osago/contracts';
import type { HTMLInputTypeAttribute } from 'react';
import type { FieldInput, PlacedField } from './application-fields.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  field: PlacedField;
  value: string;
  faults: readonly Fault[] | undefined;
  onType: (typed: string) => void;
}

export const fieldId = (pointer: string): string => `field${pointer.replaceAll('/', '-')}`;

const TYPES: Readonly<Record<Exclude<FieldInput, 'select'>, HTMLInputTypeAttribute>> = {
  text: 'text',
  digits: 'text',
  decimal: 'text',
  date: 'date',
  tel: 'tel',
  email: 'email',
};
/** Which keys a phone offers. */
const KEYS: Partial<Record<FieldInput, 'numeric' | 'decimal'>> = { digits: 'numeric', decimal: 'decimal' };

export const FormField = ({ texts, field, value, faults, onType }: Props) => {
  const id = fieldId(field.pointer);
  const described = [field.hint && `${id}-hint`, faults && `${id}-fault`].filter(Boolean).join(' ');
  const shared = {
    id,
    name: field.pointer,
    value,
    'aria-invalid': faults !== undefined,
    'aria-required': field.optional !== true,
    'aria-describedby': described === '' ? undefined : described,
    autoComplete: field.autoComplete ?? 'off',
  };
  return (
    <div className={`field ${field.width ?? ''}`}>
      <label htmlFor={id}>{texts.labels[field.label]}</label>
      {field.input === 'select' ? (
        <select {...shared} onChange={(event) => onType(event.target.value)}>
          {field.options?.map((option) => (
            <option key={option} value={option}>
              {optionWords(texts, option)}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...shared}
          type={TYPES[field.input]}
          inputMode={KEYS[field.input]}
          placeholder={field.optional && texts.form.optional}
          spellCheck={false}
          onChange={(event) => onType(event.target.value)}
        />
      )}
      {field.hint && (
        <p className="hint" id={`${id}-hint`}>
          {texts.hints[field.hint]}
        </p>
      )}
      {faults && <FaultWords texts={texts} id={`${id}-fault`} faults={faults} />}
    </div>
  );
};

/** In the language of the page where the code is known, else in the server's words. */
export const FaultWords = ({ texts, id, faults }: { texts: Texts; id: string; faults: readonly Fault[] }) => (
  <p className="fault" id={id} data-testid="fault">
    {faults.map(({ code, detail }) => texts.faults[code] ?? detail).join('. ')}
  </p>
);

/** Options with a name have it in the texts; the others are counts of months. */
const optionWords = (texts: Texts, option: string): string =>
  (texts.options as Record<string, string>)[option] ?? texts.months(Number(option));
