const { createLimiter } = require('nestjs-redis-rate-limit/engine');

createLimiter({ policies: { mail: { limit: 2, window: '1h' } } })
  .then((limiter) => limiter.consume('mail', 'a', { cost: 2 }))
  .then(({ allowed, remaining }) => console.log(allowed, remaining));
