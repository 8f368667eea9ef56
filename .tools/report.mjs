// A reporter for node --test: failures in full, and the counts as one JSON line in the file named by KINGLET_REPORT.
import { writeFileSync } from 'node:fs';

export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' || type === 'test:stderr' || type === 'test:stdout') {
      if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const suite = data.details?.type === 'suite';
    if (type === 'test:fail') {
      const cause = data.details?.error?.cause ?? data.details?.error;
      // A suite fails with its tests; it counts only when it fails by itself.
      const own = !suite || data.details?.error?.failureType !== 'subtestsFailed';
      const parent = data.details?.error?.failureType === 'subtestsFailed';
      if (own && !parent) {
        counts.failed++;
        yield `\nFAILED ${data.name} (${data.file ?? ''}:${data.line ?? ''})\n${cause?.stack ?? cause}\n`;
      }
    } else if (!suite) {
      if (data.skip !== undefined && data.skip !== false) counts.skipped++;
      else counts.passed++;
    }
  }
  if (process.env.KINGLET_REPORT) writeFileSync(process.env.KINGLET_REPORT, JSON.stringify(counts));
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}
