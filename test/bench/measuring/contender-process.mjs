// node contender-process.mjs SITUATION: one contender in a process of its own, as an application has it. Each message
// asks for the figures of a cell, or for its garbage. It ends with its parent.
import { contenderOf } from '../contenders/all.mjs';
import { cell, garbage } from './cell.mjs';
import { pinThisProcess } from './cores.mjs';
import { callers } from './keys.mjs';

const { contender, keys: count, denied, inFlight, every, pinned, ...setup } = JSON.parse(process.argv[2]);
if (pinned) pinThisProcess();
const keys = callers(count);
const { open } = await contenderOf(contender);
const { decide, close } = await open(setup);
await touch();

process.once('disconnect', async () => {
  await close();
  process.exit();
});
const load = { decide, keys, inFlight, every, expected: !denied };
const questions = { cell, garbage };
process.on('message', async ({ question, length }) => process.send(await questions[question](load, length)));
process.send('ready');

/** Every key twice: all exist from then on, and a limit of 1 is used up. */
async function touch() {
  for (let at = 0; at < keys.length; at += 100) {
    const some = keys.slice(at, at + 100);
    await Promise.all(some.map(decide));
    await Promise.all(some.map(decide));
  }
}
