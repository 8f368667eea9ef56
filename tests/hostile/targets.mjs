// What is damaged: a real model many times over, or every model of the conformance data a few times.
import { caseNames, readCase } from '../conformance/cases.mjs';
import { readSubject, subjects } from '../models/subjects.mjs';
import { mutationsOf } from './mutations.mjs';

/**
 * @typedef {{ label: string, model: Uint8Array, feeds: Record<string, any>,
 *   mutations: import('./mutations.mjs').Mutation[] }} Target
 */

async function subjectTargets(name) {
  const subject = subjects.find((subject) => subject.name === name);
  if (!subject) throw new Error(`no such target: ${name}`);
  const model = await readSubject(subject);
  return [{ label: name, model, feeds: await subject.feeds(), mutations: mutationsOf(model) }];
}

async function conformanceTargets() {
  const names = (await caseNames()).filter((name) => !name.startsWith('light/'));
  const targets = [];
  for (const [seed, name] of names.entries()) {
    const { model, sets } = await readCase(name);
    if (sets.length === 0) continue;
    const mutations = mutationsOf(model, { seed, cuts: 2, changes: 4, structural: 10 });
    targets.push({ label: name, model, feeds: sets[0].inputs, mutations });
  }
  return targets;
}

/**
 * @param {string} name a subject of tests/models, or `conformance`
 * @returns {Promise<Target[]>}
 */
export const readTargets = (name) => (name === 'conformance' ? conformanceTargets() : subjectTargets(name));
