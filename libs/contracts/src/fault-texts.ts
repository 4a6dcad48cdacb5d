/**
 * The words of every fault, in both languages: the server chooses by `Accept-Language`, the page by its own switch. No
 * import of a schema, so the page does not load the library of schemas for it.
 */

export type FaultLanguage = 'ru' | 'en';
type Words = Readonly<Record<FaultLanguage, string>>;

/** A header longer than this is cut: browsers send a tenth of it. */
const ACCEPT_LANGUAGE_MAX = 1_000;

/** A word in braces is filled in from `params` of the fault. */
const TEXTS = {
  required: { ru: 'Заполните это поле', en: 'This is needed' },
  unknown_member: { ru: 'Лишнее поле', en: 'This member is not known' },
  bad_format: { ru: 'Неверный формат', en: 'The format is wrong' },
  too_short: { ru: 'Слишком коротко: не меньше {min} зн.', en: 'Too short: at least {min} characters' },
  too_long: { ru: 'Слишком длинно: не больше {max} зн.', en: 'Too long: at most {max} characters' },
  too_few: { ru: 'Этого не хватает', en: 'Something is missing here' },
  too_many: { ru: 'Слишком много записей: не больше {max}', en: 'Too many: at most {max}' },
  too_small: { ru: 'Слишком мало: не меньше {min}', en: 'Too small: at least {min}' },
  too_large: { ru: 'Слишком много: не больше {max}', en: 'Too large: at most {max}' },
  not_allowed: { ru: 'Выберите из списка', en: 'This value is not offered' },
  wrong_type: { ru: 'Неверное значение', en: 'This is no value of the kind that is wanted' },
  bad_idempotency_key: { ru: 'Idempotency-Key должен быть UUID', en: 'Idempotency-Key is no UUID' },
  invalid_json: { ru: 'Тело запроса — не JSON', en: 'The body is no JSON' },
  bad_pointer: { ru: 'В заявке нет такого места', en: 'This leads nowhere in the application' },
  bad_limit: { ru: 'Нужно целое число от 1 до {max}', en: 'A whole number from 1 to {max} is wanted' },
  bad_cursor: { ru: 'Это не next_cursor страницы', en: 'This is no next_cursor of a page' },

  identity_missing: {
    ru: 'Нужен хотя бы один номер: VIN, кузова или шасси',
    en: 'At least one is needed: VIN, body number or chassis number',
  },
  plate_needed: { ru: 'С СТС нужен госномер', en: 'A plate is needed with an STS' },
  plate_of_other_kind: {
    ru: 'Такой номер не бывает у этой категории',
    en: 'A vehicle of this category has no such plate',
  },
  power_missing: { ru: 'Укажите мощность в л. с. или кВт', en: 'The power is needed, in hp or in kW' },
  power_mismatch: {
    ru: 'Мощность в л. с. и в кВт не сходится: {expected} л. с.',
    en: 'Horsepower and kilowatts disagree: {expected} hp',
  },
  not_for_category: { ru: 'Не для этой категории', en: 'Not for this category' },
  series_not_wanted: { ru: 'У ЭПТС нет серии', en: 'An EPTS has no series' },
  in_future: { ru: 'Этот день ещё не настал', en: 'This lies in the future' },
  year_in_future: { ru: 'Год не позже {max}', en: 'The year is {max} at the latest' },
  too_young: { ru: 'Не моложе {min} лет', en: 'At least {min} years old' },
  passport_too_early: {
    ru: 'Паспорт выдают с {min} лет: проверьте дату рождения и дату выдачи',
    en: 'A passport is issued from the age of {min} on: check the date of birth and the date of issue',
  },
  experience_too_early: {
    ru: 'Стаж не может начаться раньше {min} лет: проверьте дату рождения и начало стажа',
    en: 'Experience cannot begin before the age of {min}: check the date of birth and when it began',
  },
  previous_licence_later: {
    ru: 'Прежние права выданы раньше нынешних',
    en: 'The previous licence was issued before the present one',
  },
  licence_twice: { ru: 'Эти права уже указаны у другого водителя', en: 'Another driver has the same licence' },
  drivers_missing: {
    ru: 'Укажите водителя или выберите «без ограничений»',
    en: 'Name a driver, or let anybody drive',
  },
  drivers_not_wanted: {
    ru: 'Без ограничений водителей не перечисляют',
    en: 'The list is empty where anybody may drive',
  },
  start_out_of_range: { ru: 'С {from} по {to}', en: 'From {from} to {to}' },
  interval_reversed: { ru: 'Конец раньше начала', en: 'It ends before it begins' },
  interval_outside_policy: {
    ru: 'Вне срока полиса: с {from} по {to}',
    en: 'Outside the year of the policy: from {from} to {to}',
  },
  intervals_overlap: { ru: 'Периоды пересекаются', en: 'The intervals overlap' },
  months_mismatch: {
    ru: 'По датам выходит месяцев: {expected}',
    en: 'By the days given the months are {expected}',
  },
  vin_check_digit: {
    ru: 'Контрольный знак VIN не сходится: проверьте, нет ли опечатки',
    en: 'The check digit of the VIN disagrees: look for a typing mistake',
  },
} as const satisfies Readonly<Record<string, Words>>;

export type FaultCode = keyof typeof TEXTS;
export const FAULT_CODES = Object.keys(TEXTS) as readonly FaultCode[];

/** What `bad_format` means of each format a person may type. */
const FORMATS: Readonly<Record<string, Words>> = {
  uuid: { ru: 'Нужен UUID', en: 'A UUID is wanted' },
  vin: { ru: '17 знаков: цифры и латиница без I, O, Q', en: '17 characters: digits and Latin letters except I, O, Q' },
  'frame-number': { ru: 'От 4 до 20 знаков: латиница, цифры, дефис', en: '4 to 20 characters: Latin letters, digits, hyphen' },
  plate: { ru: 'Например, А123ВС77', en: 'Such as А123ВС77' },
  'document-series': { ru: 'Только цифры и русские буквы', en: 'Digits and Cyrillic letters only' },
  'document-number': { ru: 'Только цифры: у СТС и ПТС шесть, у ЭПТС пятнадцать', en: 'Digits only: six of an STS or PTS, fifteen of an EPTS' },
  'sts-series': { ru: 'Серия СТС: например, 9914 или 99АВ', en: 'Series of an STS: such as 9914 or 99АВ' },
  'pts-series': { ru: 'Серия ПТС: две цифры и две буквы', en: 'Series of a PTS: two digits and two letters' },
  'epts-number': { ru: 'Номер ЭПТС: 15 цифр', en: 'Number of an EPTS: 15 digits' },
  'paper-number': { ru: 'Шесть цифр', en: 'Six digits' },
  'passport-series': { ru: 'Четыре цифры', en: 'Four digits' },
  'passport-number': { ru: 'Шесть цифр', en: 'Six digits' },
  subdivision: { ru: 'Код вида 770-001', en: 'A code such as 770-001' },
  'licence-series': { ru: 'Например, 9915 или 99АВ', en: 'Such as 9915 or 99АВ' },
  'licence-number': { ru: 'Шесть цифр', en: 'Six digits' },
  'foreign-number': { ru: 'От 3 до 30 букв и цифр', en: '3 to 30 letters and digits' },
  'country-code': { ru: 'Две латинские буквы, например KZ', en: 'Two Latin letters, such as KZ' },
  'policy-series': { ru: 'Три буквы, например ХХХ', en: 'Three Cyrillic letters, such as ХХХ' },
  'policy-number': { ru: 'Десять цифр', en: 'Ten digits' },
  inn: { ru: 'ИНН организации: 10 цифр; проверьте, нет ли опечатки', en: 'Tax number: 10 digits; look for a typing mistake' },
  ogrn: { ru: 'ОГРН: 13 цифр; проверьте, нет ли опечатки', en: 'OGRN: 13 digits; look for a typing mistake' },
  kpp: { ru: 'КПП: 9 знаков', en: 'KPP: 9 characters' },
  kladr: { ru: 'Код КЛАДР: 13, 17 или 19 цифр', en: 'KLADR code: 13, 17 or 19 digits' },
  phone: { ru: '+7 и десять цифр', en: '+7 and ten digits' },
  email: { ru: 'Например, name@example.com', en: 'Such as name@example.com' },
  'plain-text': { ru: 'Только текст, не пусто', en: 'Text, and not blank' },
  'region-code': { ru: 'Две цифры, Москва — 77', en: 'Two digits, Moscow is 77' },
  'regular-expression': { ru: 'Нужно регулярное выражение', en: 'A regular expression is wanted' },
  sha256: { ru: 'SHA-256 шестнадцатеричными цифрами', en: 'A SHA-256 in hexadecimal' },
  'insurer-slug': { ru: 'Краткое имя страховой', en: 'The short name of an insurer' },
  date: { ru: 'Нужна дата', en: 'A day is wanted, such as 2026-11-21' },
  'date-time': { ru: 'Нужен момент времени', en: 'A moment is wanted, such as 2026-11-21T09:00:00Z' },
};

export interface FaultToTell {
  code: string;
  detail: string;
  params?: Readonly<Record<string, string | number>> | undefined;
}

const wordsOf = ({ code, params }: FaultToTell): Words | undefined => {
  const format = code === 'bad_format' ? FORMATS[String(params?.['format'])] : undefined;
  return format ?? (Object.hasOwn(TEXTS, code) ? TEXTS[code as FaultCode] : undefined);
};

/** Days and fractions as people of that language write them. */
const spoken = (value: string | number | undefined, language: FaultLanguage): string => {
  const text = String(value ?? '…');
  if (language === 'en') return text;
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year !== undefined) return `${day}.${month}.${year}`;
  return typeof value === 'number' ? text.replace('.', ',') : text;
};

/** The fault in words. A code that is not of this table keeps the words that it came with. */
export const faultText = (fault: FaultToTell, language: FaultLanguage): string => {
  const words = wordsOf(fault)?.[language];
  return words === undefined
    ? fault.detail
    : words.replaceAll(/\{(\w+)\}/g, (_, name: string) => spoken(fault.params?.[name], language));
};

/** The language of ours that an `Accept-Language` likes best; English where it likes none or is not there. */
export const preferredLanguage = (acceptLanguage: string | undefined): FaultLanguage => {
  let best: { language: FaultLanguage; quality: number } = { language: 'en', quality: 0 };
  for (const range of (acceptLanguage ?? '').slice(0, ACCEPT_LANGUAGE_MAX).split(',')) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const weight = parameters.find((parameter) => parameter.trim().startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.trim().slice(2));
    const language = tag.split('-')[0]?.trim();
    // Of equals the first counts.
    if ((language === 'ru' || language === 'en') && quality > best.quality) best = { language, quality };
  }
  return best.language;
};
