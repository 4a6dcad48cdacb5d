/**
 * Whether everybody who reads by the published schema can read what the new one lets through, and the other way round:
 * old and new pods share the log during a rollout, and records of days ago are replayed. So the only change that is
 * compatible is a further optional member; everything else needs a new version of the event's type.
 */
import { isObject, type Json, type JsonObject } from './plain-schema.ts';

/** Words about a schema, which no value depends on. */
const ANNOTATIONS = new Set(['$schema', '$id', '$comment', 'title', 'description', 'examples', 'default']);
/** Compared member by member. */
const STRUCTURE = new Set(['properties', 'required', 'items', 'enum']);

const text = (value: Json | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(value));

const namesOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);

const missing = (from: readonly string[], to: readonly string[]): string[] => from.filter((name) => !to.includes(name));

const keywordChanges = (published: JsonObject, current: JsonObject, at: string): string[] => {
  const keywords = [...new Set([...Object.keys(published), ...Object.keys(current)])].sort();
  return keywords
    .filter((keyword) => !ANNOTATIONS.has(keyword) && !STRUCTURE.has(keyword))
    .filter((keyword) => text(published[keyword]) !== text(current[keyword]))
    .map((keyword) => `${at}: ${keyword} changed from ${text(published[keyword])} to ${text(current[keyword])}`);
};

const enumChanges = (published: JsonObject, current: JsonObject, at: string): string[] => {
  if (!Array.isArray(published['enum']) && !Array.isArray(current['enum'])) return [];
  if (!Array.isArray(published['enum'])) return [`${at}: is limited to certain values now`];
  if (!Array.isArray(current['enum'])) return [`${at}: is no longer limited to its values`];
  const before = namesOf(published['enum']);
  const after = namesOf(current['enum']);
  return [
    ...missing(before, after).map((value) => `${at}: the value ${value} was removed`),
    ...missing(after, before).map((value) => `${at}: the value ${value} is new, its readers do not know it`),
  ];
};

const memberChanges = (published: JsonObject, current: JsonObject, at: string): string[] => {
  const before = isObject(published['properties']) ? published['properties'] : {};
  const after = isObject(current['properties']) ? current['properties'] : {};
  const wasRequired = namesOf(published['required']);
  const isRequired = namesOf(current['required']);
  const isClosed = published['additionalProperties'] === false;
  const changes: string[] = [];
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const path = at === '' ? name : `${at}.${name}`;
    const from = before[name];
    const to = after[name];
    if (to === undefined) changes.push(`${path}: was removed`);
    else if (isRequired.includes(name) && !wasRequired.includes(name)) changes.push(`${path}: is required now`);
    else if (from === undefined) {
      if (isClosed) changes.push(`${path}: is new where no further members are allowed`);
    } else {
      if (wasRequired.includes(name) && !isRequired.includes(name)) changes.push(`${path}: is no longer required`);
      changes.push(...incompatibilities(from, to, path));
    }
  }
  return changes;
};

/** One line for each incompatible change, with the member it is about; none when there is no such change. */
export const incompatibilities = (published: Json, current: Json, at = ''): string[] => {
  if (!isObject(published) || !isObject(current)) {
    return text(published) === text(current) ? [] : [`${at}: changed from ${text(published)} to ${text(current)}`];
  }
  const place = at === '' ? 'the event' : at;
  const { items: before } = published;
  const { items: after } = current;
  return [
    ...keywordChanges(published, current, place),
    ...enumChanges(published, current, place),
    ...memberChanges(published, current, at),
    ...(before !== undefined && after !== undefined ? incompatibilities(before, after, `${at}[]`) : []),
    ...((before === undefined) === (after === undefined) ? [] : [`${place}: its elements changed`]),
  ];
};
