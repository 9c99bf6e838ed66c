import * as nodeModule from 'node:module';

// Node.js 20 has only register(), and from 26 on that warns.
if (nodeModule.registerHooks) nodeModule.registerHooks(await import('./hooks.mjs'));
else nodeModule.register('./hooks.mjs', import.meta.url);
