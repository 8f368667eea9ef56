import { timed as all } from '../models/subjects.mjs';

/** A name fit for a file: model and input. */
export const key = ({ name, shape }) => `${name}-${shape}`.replaceAll(/[^\w.]+/g, '_');

const speech = /^silero/;

/** The models that count: each once, at the input size its users have. */
const standard = (subject) =>
  !subject.name.startsWith('random_') &&
  !['ppocr-det 320x640', 'ppocr-rec 48x744', 'ppocr-cls 48x320'].includes(`${subject.name} ${subject.shape}`);

/** @param {string[]} wanted parts of names; the standard ones when empty */
export function chooseSubjects(wanted) {
  const chosen = wanted.length
    ? all.filter((subject) => wanted.some((part) => `${subject.name} ${subject.shape}`.includes(part)))
    : all.filter(standard);
  return chosen.map((subject) =>
    speech.test(subject.name) ? { ...subject, shape: subject.shape.replace(/^.* /, '') } : subject,
  );
}
