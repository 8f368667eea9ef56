// A worker whose copies end in every way there is.
const send = (message) => new Promise((resolve) => process.send(message, resolve));

const refused = (index) => send({ index, verdict: 'refused', code: 'invalid_model', milliseconds: 1 });
const endings = [
  (index) => send({ index, verdict: 'ran', milliseconds: 1 }),
  async (index) => {
    await send({ index, verdict: 'failed', detail: 'RuntimeError: unreachable', milliseconds: 1 });
    process.exit(0);
  },
  refused,
  (index) => send({ index, verdict: 'failed', detail: '3 objects were left behind', milliseconds: 1 }),
  () => process.abort(),
  () => {
    for (;;);
  },
  (index) => send({ index, verdict: 'ran', milliseconds: 600 }),
  refused,
];

await send({ total: endings.length });
for (let index = Number(process.argv[4]); index < endings.length; index++) await endings[index](index);
process.disconnect();
