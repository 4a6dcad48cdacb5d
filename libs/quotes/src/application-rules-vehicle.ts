/** What the members of a vehicle must agree on. */
import { type Application, hasFormat, type PlateKind, plateKinds } from '@osago/contracts';
import { type Examined, notLater, type Report, type Rule } from './application-rule.ts';
import type { RuleSettings } from './rule-settings.ts';

type Vehicle = Application['vehicle'];
type Paper = Vehicle['document'];

/** Horsepower, computed of kilowatts where only they are given; to a hundredth, as papers have it. */
export const powerHpOf = (vehicle: Vehicle, hpPerKw: number): number | undefined =>
  vehicle.power_hp ?? (vehicle.power_kw === undefined ? undefined : Math.round(vehicle.power_kw * hpPerKw * 100) / 100);

const identity = ({ vin, body_number, chassis_number }: Vehicle): Rule => ({
  reads: ['/vehicle/vin', '/vehicle/body_number', '/vehicle/chassis_number'],
  check: (report) => {
    if (!vin && !body_number && !chassis_number) report('/vehicle/vin', 'identity_missing');
  },
});

/** Trailers have no OSAGO of their own; a motorcycle has plates of its own. Transit and outgoing plates fit anything. */
const FITTING: Readonly<Record<'motorcycle' | 'other', readonly PlateKind[]>> = {
  motorcycle: ['motorcycle', 'transit', 'outgoing'],
  other: ['car', 'taxi', 'transit', 'outgoing'],
};

const plateFits = (category: string, plate: string): boolean =>
  plateKinds(plate).some((kind) => FITTING[category === 'A' ? 'motorcycle' : 'other'].includes(kind));

const plate = ({ category, document, plate: given }: Vehicle): Rule[] => [
  {
    reads: ['/vehicle/plate', '/vehicle/document/type'],
    check: (report) => {
      if (document.type === 'sts' && !given) report('/vehicle/plate', 'plate_needed');
    },
  },
  {
    reads: ['/vehicle/plate', '/vehicle/category'],
    check: (report) => {
      if (given && !plateFits(category, given)) report('/vehicle/plate', 'plate_of_other_kind');
    },
  },
];

const power = (vehicle: Vehicle, { settings }: Examined): Rule => ({
  reads: ['/vehicle/power_hp', '/vehicle/power_kw'],
  check: (report) => {
    const { power_hp, power_kw } = vehicle;
    if (power_hp === undefined && power_kw === undefined) report('/vehicle/power_hp', 'power_missing');
    if (power_hp === undefined || power_kw === undefined) return;
    const expected = Math.round(power_kw * settings.hpPerKw * 100) / 100;
    if (Math.abs(expected - power_hp) > settings.powerToleranceHp) {
      report('/vehicle/power_hp', 'power_mismatch', { expected });
    }
  },
});

const checkSeries = ({ series, type }: Paper, at: string, { ptsSeries }: RuleSettings, report: Report): void => {
  if (type === 'epts') {
    if (series !== undefined) report(`${at}/series`, 'series_not_wanted');
    return;
  }
  if (series === undefined) return report(`${at}/series`, 'required');
  const fits = type === 'pts' ? ptsSeries.test(series) : hasFormat('sts-series', series);
  if (!fits) report(`${at}/series`, 'bad_format', { format: `${type}-series` });
};

const checkNumber = ({ number, type }: Paper, at: string, { eptsNumber }: RuleSettings, report: Report): void => {
  const isElectronic = type === 'epts';
  const fits = isElectronic ? eptsNumber.test(number) : hasFormat('paper-number', number);
  if (!fits) report(`${at}/number`, 'bad_format', { format: isElectronic ? 'epts-number' : 'paper-number' });
};

const paperRules = (paper: Paper, at: string, { settings, today }: Examined): Rule[] => [
  { reads: [`${at}/type`, `${at}/series`], check: (report) => checkSeries(paper, at, settings, report) },
  { reads: [`${at}/type`, `${at}/number`], check: (report) => checkNumber(paper, at, settings, report) },
  notLater(paper.issued_on, today, `${at}/issued_on`),
];

export const vehicleRules = (examined: Examined): Rule[] => {
  const { application, settings, today } = examined;
  const { purpose, vehicle } = application;
  const yearMax = Number(today.slice(0, 4)) + settings.yearsAheadMax;
  return [
    identity(vehicle),
    ...plate(vehicle),
    power(vehicle, examined),
    {
      reads: ['/vehicle/year'],
      check: (report) => {
        if (vehicle.year > yearMax) report('/vehicle/year', 'year_in_future', { max: yearMax });
      },
    },
    {
      reads: ['/purpose', '/vehicle/category'],
      check: (report) => {
        if (purpose === 'taxi' && vehicle.category !== 'B') report('/purpose', 'not_for_category');
      },
    },
    ...paperRules(vehicle.document, '/vehicle/document', examined),
    ...(vehicle.further_documents ?? []).flatMap((paper, index) =>
      paperRules(paper, `/vehicle/further_documents/${index}`, examined),
    ),
  ];
};
