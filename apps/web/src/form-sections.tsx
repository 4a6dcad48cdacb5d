/** The parts of the form, each drawn from its list of fields. */
import { Fragment, type ReactNode } from 'react';
import {
  CONSENT,
  type Draft,
  driverFields,
  DRIVERS,
  DRIVERS_MAX,
  foreignLicenceFields,
  partyFields,
  type PartyRole,
  previousLicenceFields,
  residenceFields,
  UNLIMITED,
  vehicleFields,
  withConsent,
  withDriver,
  withoutDriver,
  withValue,
} from './application-draft.ts';
import {
  CONTACTS,
  INSURER_OF_POLICY,
  type PlacedField,
  placed,
  POLICY,
  PROLONGATION,
  SHORT_TERM,
  USAGE,
  VEHICLE_WITHOUT_VIN,
} from './application-fields.ts';
import { CONSENTS } from './consent.ts';
import type { AskedInsurer } from './asked-insurers.ts';
import { FaultWords, fieldId, FormField } from './form-field.tsx';
import type { PlacedFaults } from './place-faults.ts';
import type { Language, Texts } from './texts.ts';
import { suggestionsFor } from './vehicle-suggestions.ts';

interface Props {
  texts: Texts;
  language: Language;
  draft: Draft;
  faults: PlacedFaults;
  /** Who is asked; empty while that is not known. */
  insurers: readonly AskedInsurer[];
  /** `pointer` names what was changed: a field or a whole section. */
  onChange: (draft: Draft, pointer: string) => void;
}

export const FormSections = (props: Props) => {
  const { texts, draft, faults, onChange } = props;
  const { sections } = texts.form;
  return (
    <>
      <Section title={sections.vehicle}>
        <Fields {...props} fields={vehicleFields(draft)} />
        <Rare
          {...props}
          title={texts.form.noVin}
          note={texts.form.noVinNote}
          fields={placed(VEHICLE_WITHOUT_VIN, '/vehicle')}
        />
      </Section>
      <Section title={sections.owner}>
        <Party {...props} role="owner" />
      </Section>
      <Section title={sections.policyholder}>
        <Switch
          name="same-as-owner"
          label={texts.form.sameAsOwner}
          checked={draft.sameAsOwner}
          onSwitch={(sameAsOwner) => onChange({ ...draft, sameAsOwner }, '/policyholder')}
        />
        {!draft.sameAsOwner && <Party {...props} role="policyholder" />}
      </Section>
      <Section title={sections.drivers}>
        <Switch
          name="unlimited"
          id={fieldId(UNLIMITED)}
          label={texts.form.unlimited}
          checked={draft.unlimited}
          onSwitch={(unlimited) => onChange({ ...draft, unlimited }, DRIVERS)}
        />
        {[UNLIMITED, DRIVERS].map((pointer) => (
          <ListFaults key={pointer} texts={texts} pointer={pointer} faults={faults} />
        ))}
        {draft.unlimited ? <p className="hint">{texts.form.unlimitedNote}</p> : <Drivers {...props} />}
      </Section>
      <Section title={sections.policy}>
        <Fields {...props} fields={placed(POLICY, '')} />
        <Rare {...props} title={texts.form.usage} note={texts.form.usageNote} fields={placed(USAGE, '')} />
        <Rare {...props} title={texts.form.shortTerm} note={texts.form.shortTermNote} fields={placed(SHORT_TERM, '')} />
        <Rare
          {...props}
          title={texts.form.prolongation}
          note={texts.form.prolongationNote}
          fields={placed(PROLONGATION, '')}
        />
      </Section>
      <Section title={sections.contacts}>
        <Fields {...props} fields={placed(CONTACTS, '/contacts')} />
      </Section>
      <Section title={sections.consents}>
        <ConsentTick {...props} />
      </Section>
    </>
  );
};

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <fieldset className="panel">
    <legend>{title}</legend>
    {children}
  </fieldset>
);

const Fields = ({ texts, draft, faults, insurers, onChange, fields }: Props & { fields: readonly PlacedField[] }) => (
  <div className="fields">
    {fields.map((field) => (
      <FormField
        key={field.pointer}
        texts={texts}
        field={field}
        value={draft.values[field.pointer] ?? ''}
        faults={faults.byField.get(field.pointer)}
        suggestions={suggestionsFor(field.pointer, draft.values)}
        named={field.pointer === INSURER_OF_POLICY ? insurers : undefined}
        onType={(typed) => onChange(withValue(draft, field.pointer, typed), field.pointer)}
      />
    ))}
  </div>
);

interface RareProps extends Props {
  title: string;
  note: string;
  fields: readonly PlacedField[];
}

/** What few people need is folded away, unless something is in it. */
const Rare = ({ title, note, fields, ...props }: RareProps) => {
  const isNeeded = fields.some(
    ({ pointer }) => props.faults.byField.has(pointer) || (props.draft.values[pointer] ?? '') !== '',
  );
  return (
    <details open={isNeeded}>
      <summary>{title}</summary>
      <p className="hint">{note}</p>
      <Fields {...props} fields={fields} />
    </details>
  );
};

const Party = ({ role, ...props }: Props & { role: PartyRole }) => {
  const { texts, draft, onChange } = props;
  return (
    <>
      <Switch
        name={`${role}-is-company`}
        label={texts.form.isCompany}
        checked={draft.company[role]}
        onSwitch={(isCompany) => onChange({ ...draft, company: { ...draft.company, [role]: isCompany } }, `/${role}`)}
      />
      <Fields {...props} fields={partyFields(draft, role)} />
      {!draft.company[role] && (
        <Rare
          {...props}
          title={texts.form.residence}
          note={texts.form.residenceNote}
          fields={residenceFields(draft, role)}
        />
      )}
    </>
  );
};

const Drivers = (props: Props) => {
  const { texts, draft, onChange } = props;
  return (
    <>
      {Array.from({ length: draft.driverCount }, (_, index) => (
        <Fragment key={index}>
          <div className="driver-head">
            <h2>{texts.form.driver(index + 1)}</h2>
            {draft.driverCount > 1 && (
              <button
                type="button"
                className="quiet"
                aria-label={texts.form.removeDriver(index + 1)}
                onClick={() => onChange(withoutDriver(draft, index), DRIVERS)}
              >
                ×
              </button>
            )}
          </div>
          <Fields {...props} fields={driverFields(index)} />
          <Rare
            {...props}
            title={texts.form.foreignLicence}
            note={texts.form.foreignLicenceNote}
            fields={foreignLicenceFields(index)}
          />
          <Rare
            {...props}
            title={texts.form.previousLicence}
            note={texts.form.previousLicenceNote}
            fields={previousLicenceFields(index)}
          />
        </Fragment>
      ))}
      {draft.driverCount < DRIVERS_MAX && (
        <button type="button" className="quiet add" onClick={() => onChange(withDriver(draft), DRIVERS)}>
          + {texts.form.addDriver}
        </button>
      )}
    </>
  );
};

/** Faults of the list as a whole. It takes the focus itself where it has no control of its own. */
const ListFaults = ({ texts, pointer, faults }: Pick<Props, 'texts' | 'faults'> & { pointer: string }) => {
  const found = faults.byField.get(pointer);
  if (found === undefined) return null;
  return (
    <div tabIndex={-1} id={pointer === UNLIMITED ? undefined : fieldId(pointer)}>
      <FaultWords texts={texts} id={`${fieldId(pointer)}-fault`} faults={found} />
    </div>
  );
};

const ConsentTick = ({ texts, language, draft, faults, onChange }: Props) => {
  const found = faults.byField.get(CONSENT);
  const { text, version } = CONSENTS[language];
  return (
    <>
      <label className="tick">
        <input
          type="checkbox"
          id={fieldId(CONSENT)}
          data-testid="consent"
          checked={draft.agreed}
          aria-invalid={found !== undefined}
          aria-describedby={found && `${fieldId(CONSENT)}-fault`}
          onChange={(event) => onChange(withConsent(draft, event.target.checked, new Date().toISOString()), CONSENT)}
        />
        <span data-version={version}>{text}</span>
      </label>
      {found && !draft.agreed && (
        <p className="fault" id={`${fieldId(CONSENT)}-fault`} data-testid="fault">
          {texts.consentNeeded}
        </p>
      )}
      {found && draft.agreed && <FaultWords texts={texts} id={`${fieldId(CONSENT)}-fault`} faults={found} />}
    </>
  );
};

interface SwitchProps {
  name: string;
  id?: string;
  label: string;
  checked: boolean;
  onSwitch: (checked: boolean) => void;
}

const Switch = ({ name, id, label, checked, onSwitch }: SwitchProps) => (
  <label className="switch">
    <input
      type="checkbox"
      role="switch"
      id={id}
      data-testid={name}
      checked={checked}
      onChange={(event) => onSwitch(event.target.checked)}
    />
    <span>{label}</span>
  </label>
);
