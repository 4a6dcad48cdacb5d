/** What {@link sampleApplication} combines: common names, common cars, big towns. No entry describes a person. */

export interface SampleNames {
  first: readonly [string, ...string[]];
  middle: readonly [string, ...string[]];
  last: readonly [string, ...string[]];
}

const SURNAMES = [
  'Смирнов', 'Иванов', 'Кузнецов', 'Соколов', 'Попов', 'Лебедев', 'Козлов', 'Новиков', 'Морозов', 'Петров',
  'Волков', 'Соловьёв', 'Васильев', 'Зайцев', 'Павлов', 'Семёнов', 'Голубев', 'Виноградов', 'Богданов', 'Воробьёв',
] as const;

const [FIRST_SURNAME, ...OTHER_SURNAMES] = SURNAMES;

export const MEN: SampleNames = {
  first: ['Александр', 'Сергей', 'Дмитрий', 'Андрей', 'Алексей', 'Максим', 'Иван', 'Роман', 'Тимур', 'Павел'],
  middle: ['Александрович', 'Сергеевич', 'Дмитриевич', 'Андреевич', 'Алексеевич', 'Иванович', 'Олегович'],
  last: SURNAMES,
};

export const WOMEN: SampleNames = {
  first: ['Елена', 'Ольга', 'Наталья', 'Анна', 'Мария', 'Ирина', 'Светлана', 'Екатерина', 'Юлия', 'Алина'],
  middle: ['Александровна', 'Сергеевна', 'Дмитриевна', 'Андреевна', 'Алексеевна', 'Ивановна', 'Олеговна'],
  last: [`${FIRST_SURNAME}а`, ...OTHER_SURNAMES.map((name) => `${name}а`)],
};

export interface SampleCar {
  brand: string;
  model: string;
  /** The world manufacturer identifier: the first three characters of the VIN. */
  wmi: string;
  powersHp: readonly [number, ...number[]];
}

export const CARS: readonly [SampleCar, ...SampleCar[]] = [
  { brand: 'LADA', model: 'Granta', wmi: 'XTA', powersHp: [87, 90, 98, 106] },
  { brand: 'LADA', model: 'Vesta', wmi: 'XTA', powersHp: [106, 113, 122] },
  { brand: 'Kia', model: 'Rio', wmi: 'Z94', powersHp: [100, 123] },
  { brand: 'Hyundai', model: 'Solaris', wmi: 'Z94', powersHp: [100, 123] },
  { brand: 'Hyundai', model: 'Creta', wmi: 'Z94', powersHp: [121, 123, 149.6] },
  { brand: 'Renault', model: 'Logan', wmi: 'X7L', powersHp: [82, 102, 113] },
  { brand: 'Volkswagen', model: 'Polo', wmi: 'XW8', powersHp: [90, 110, 125] },
  { brand: 'Škoda', model: 'Octavia', wmi: 'XW8', powersHp: [110, 150, 180] },
  { brand: 'Toyota', model: 'Camry', wmi: 'XW7', powersHp: [150, 181, 200, 249] },
  { brand: 'УАЗ', model: 'Patriot', wmi: 'XTT', powersHp: [134.6, 149.6] },
];

export interface SampleTown {
  /** Code of the subject of the Federation; also the region of the plate. */
  region: string;
  town: string;
  /** OKATO code of the subject: the first two digits of a passport's series. */
  okato: string;
}

export const TOWNS: readonly [SampleTown, ...SampleTown[]] = [
  { region: '77', town: 'г. Москва', okato: '45' },
  { region: '78', town: 'г. Санкт-Петербург', okato: '40' },
  { region: '50', town: 'Московская обл., г. Химки', okato: '46' },
  { region: '16', town: 'Республика Татарстан, г. Казань', okato: '92' },
  { region: '66', town: 'Свердловская обл., г. Екатеринбург', okato: '65' },
  { region: '54', town: 'Новосибирская обл., г. Новосибирск', okato: '50' },
  { region: '52', town: 'Нижегородская обл., г. Нижний Новгород', okato: '22' },
  { region: '23', town: 'Краснодарский край, г. Краснодар', okato: '03' },
  { region: '02', town: 'Республика Башкортостан, г. Уфа', okato: '80' },
  { region: '63', town: 'Самарская обл., г. Самара', okato: '36' },
];

export const STREETS = [
  'ул. Садовая', 'ул. Лесная', 'ул. Новая', 'ул. Школьная', 'ул. Молодёжная', 'ул. Полевая', 'ул. Зелёная',
  'пр-т Мира', 'ул. Цветочная', 'ул. Берёзовая',
] as const;
