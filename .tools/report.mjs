// A reporter for node --test: failures in full, seconds of the files that took longest, and the counts as one
// JSON line in the file named by KINGLET_REPORT.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

// Lines of Node's own summary, which arrive as diagnostics.
const summary = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = new Map();
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
    if (type === 'test:diagnostic' && !summary.test(data.message)) yield `    ${data.message}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { details, name, file = '', line = '' } = data;
    const suite = details?.type === 'suite';
    if (data.nesting === 0 && file) {
      files.set(file, (files.get(file) ?? 0) + (details?.duration_ms ?? 0));
    }
    const set = (/** @type {unknown} */ value) => value !== undefined && value !== false;
    if (set(data.skip) || set(data.todo)) {
      counts.skipped++;
    } else if (type === 'test:fail') {
      // A test or suite around a failing one fails too; it counts only when it fails by itself.
      if (details?.error?.failureType === 'subtestsFailed') continue;
      counts.failed++;
      const cause = details?.error?.cause ?? details?.error;
      yield `\nFAILED ${name} (${relative('.', file)}:${line})\n${cause?.stack ?? cause}\n`;
    } else if (!suite) {
      counts.passed++;
    }
  }
  for (const [file, milliseconds] of files) {
    if (milliseconds > 2000) yield `    ${relative('.', file)}: ${(milliseconds / 1000).toFixed(1)} s\n`;
  }
  if (process.env.KINGLET_REPORT) writeFileSync(process.env.KINGLET_REPORT, JSON.stringify(counts));
  yield `    ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}
