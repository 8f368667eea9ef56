// The C++ test programs of one CMake configuration, through ctest; counts doctest's cases.
import { cmakeBuild } from './cmake.mjs';
import { run, step } from './log.mjs';

/**
 * @param {string} configuration of CMake
 * @param {string} form of the core: the label of its tests
 */
export async function nativeTests(configuration, form = configuration) {
  const folder = await cmakeBuild(configuration);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await step(`C++ tests, ${form}`, async () => {
    const env = {
      ...process.env,
      ASAN_OPTIONS: 'detect_stack_use_after_return=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    };
    const args = [
      '--test-dir',
      folder,
      '-L',
      `^${form}$`,
      '-V',
      '-j2',
      '--timeout',
      '900',
      '--no-tests=error',
    ];
    const { text } = await run('ctest', args, { allowFailure: true, env });
    for (const [, passed, failed] of text.matchAll(
      /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed/g,
    )) {
      counts.passed += Number(passed);
      counts.failed += Number(failed);
    }
    // A program that ended without its closing line crashed: one failure.
    const programs = [...text.matchAll(/^ *\d+\/\d+ Test +#\d+: (\S+) \.*\s*(.*?) +[\d.]+ sec/gm)];
    const unfinished = programs.filter(
      ([, program, result]) => !result.endsWith('Passed') && !counted(text, program),
    ).length;
    counts.failed += unfinished;
    if (programs.length === 0 || counts.passed + counts.failed === 0) counts.failed++;
    if (counts.failed) console.log(shorten(text));
    return `${counts.passed} passed, ${counts.failed} failed`;
  });
  return counts;
}

/**
 * Whether the program of test `name` printed doctest's closing line with a failure in it.
 * @param {string} text
 * @param {string} name
 */
function counted(text, name) {
  const number = new RegExp(`Test +#(\\d+): ${name} `).exec(text)?.[1];
  return new RegExp(`^${number}: .*test cases:.*\\| +[1-9]\\d* failed`, 'm').test(text);
}

/**
 * Failing lines with their neighbours, cut to a readable width.
 * @param {string} text
 */
function shorten(text) {
  const lines = text.split('\n').map((line) => line.slice(0, 300));
  const keep = new Set();
  lines.forEach((line, at) => {
    if (/ERROR|FAILED|\*\*\*|runtime error|SUMMARY|Sanitizer/.test(line))
      for (let i = at - 3; i < at + 14; i++) keep.add(i);
  });
  return lines
    .filter((_, at) => keep.has(at))
    .slice(0, 400)
    .join('\n');
}
