/** One field with its label, its hint and what is wrong with it. */
import type { Fault } from '@osago/contracts';
import { faultText } from '@osago/contracts/fault-texts';
import type { HTMLInputTypeAttribute } from 'react';
import type { FieldInput, PlacedField } from './application-fields.ts';
import type { AskedInsurer } from './asked-insurers.ts';
import type { Texts } from './texts.ts';

interface Props {
  texts: Texts;
  field: PlacedField;
  value: string;
  faults: readonly Fault[] | undefined;
  onType: (typed: string) => void;
  /** Where the same member can be on the screen twice. */
  idPrefix?: string;
  /** Options of a select whose names are not words of the page. */
  named?: readonly AskedInsurer[] | undefined;
  /** Offered, not demanded. */
  suggestions?: readonly string[];
}

const NO_SUGGESTIONS: readonly string[] = [];
const NOBODY: readonly AskedInsurer[] = [];

export const fieldId = (pointer: string): string => `field${pointer.replaceAll('/', '-')}`;

const TYPES: Readonly<Record<Exclude<FieldInput, 'select'>, HTMLInputTypeAttribute>> = {
  text: 'text',
  digits: 'text',
  decimal: 'text',
  date: 'date',
  tel: 'tel',
  email: 'email',
  switch: 'checkbox',
};
/** Which keys a phone offers. */
const KEYS: Partial<Record<FieldInput, 'numeric' | 'decimal'>> = { digits: 'numeric', decimal: 'decimal' };

export const FormField = (props: Props) => {
  const { texts, field, value, faults, onType, named, idPrefix = '', suggestions = NO_SUGGESTIONS } = props;
  const id = idPrefix + fieldId(field.pointer);
  // The words of a fault say more than the hint, often the same.
  const hint = faults === undefined ? field.hint : undefined;
  const described = [hint && `${id}-hint`, faults && `${id}-fault`].filter(Boolean).join(' ');
  const shared = {
    id,
    name: field.pointer,
    'aria-invalid': faults !== undefined,
    'aria-required': field.optional !== true,
    'aria-describedby': described === '' ? undefined : described,
    autoComplete: field.autoComplete ?? 'off',
    ...(suggestions.length > 0 && { list: `${id}-list` }),
  };
  const label = texts.labels[field.label];
  return (
    <div className={`field ${field.width ?? ''}`}>
      {field.input === 'switch' ? (
        <label className="switch">
          <input
            {...shared}
            type="checkbox"
            role="switch"
            checked={value === 'true'}
            onChange={(event) => onType(event.target.checked ? 'true' : '')}
          />
          <span>{label}</span>
        </label>
      ) : (
        <>
          <label htmlFor={id}>{label}</label>
          <Control texts={texts} field={field} value={value} onType={onType} named={named} shared={shared} />
          {suggestions.length > 0 && (
            <datalist id={`${id}-list`}>
              {suggestions.map((suggestion) => (
                <option key={suggestion} value={suggestion} />
              ))}
            </datalist>
          )}
        </>
      )}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {texts.hints[hint]}
        </p>
      )}
      {faults && <FaultWords texts={texts} id={`${id}-fault`} faults={faults} />}
    </div>
  );
};

interface ControlProps extends Pick<Props, 'texts' | 'field' | 'value' | 'onType' | 'named'> {
  shared: { 'aria-invalid': boolean };
}

const Control = ({ texts, field, value, onType, named = NOBODY, shared }: ControlProps) =>
  field.input === 'select' ? (
    <select {...shared} value={value} onChange={(event) => onType(event.target.value)}>
      {field.options?.map((option) => (
        <option key={option} value={option}>
          {optionWords(texts, option)}
        </option>
      ))}
      {named.map(({ insurer_id, name }) => (
        <option key={insurer_id} value={insurer_id}>
          {name}
        </option>
      ))}
    </select>
  ) : (
    <input
      {...shared}
      value={value}
      type={TYPES[field.input]}
      inputMode={KEYS[field.input]}
      // Where it is said to be needed, it is not called optional.
      placeholder={field.optional && !shared['aria-invalid'] ? texts.form.optional : undefined}
      spellCheck={false}
      onChange={(event) => onType(event.target.value)}
      // On leaving, not on each key: a text that changes under the caret throws it to the end.
      onBlur={() => {
        const spelled = shownSpelling(field, value);
        if (spelled !== value) onType(spelled);
      }}
    />
  );

/** What was typed, as it is going to be sent. Numbers keep the comma that the person wrote. */
export const shownSpelling = ({ normalise }: Pick<PlacedField, 'normalise'>, typed: string): string => {
  const spelled = normalise(typed);
  return typeof spelled === 'string' ? spelled : typed;
};

/** In the language of the page where the code is known, else in the server's words. */
export const FaultWords = ({ texts, id, faults }: { texts: Texts; id: string; faults: readonly Fault[] }) => (
  <p className="fault" id={id} data-testid="fault">
    {faults.map((fault) => faultText(fault, texts.code)).join('. ')}
  </p>
);

/** Options with a name have it in the texts; the others are counts of months, and the empty one is no choice yet. */
const optionWords = (texts: Texts, option: string): string =>
  option === '' ? '—' : (texts.options as Record<string, string>)[option] ?? texts.months(Number(option));
