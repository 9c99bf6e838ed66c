-- Judges each request of a batch in turn: charges all of its hits or none.
--
-- KEYS[i]   state of hit i; on a Cluster all keys share one hash slot
-- ARGV      now in ms, or '' for the server's clock
--           not_after: the server's clock past which nothing is charged, or '' for never too late
--           how many policies, then each: algorithm, limit, window, burst
--           the requests: how many hits, then each: which policy, cost
-- Returns   the server's clock in ms, then per hit: allowed (1|0), remaining, reset_after, retry_after;
--           the clock alone when it is past not_after
--
-- A state says itself when it began; its key's TTL only collects garbage. A key of a foreign type, or with a value
-- that no algorithm wrote, is an absent state, and so a full quota; the next charge writes over it.

local call, pcall_redis = redis.call, redis.pcall
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_record = struct.pack, struct.unpack

-- A whole number that a double holds exactly.
local function sound(n)
  return n and n >= 0 and n < 9007199254740992 and n % 1 == 0
end

-- The instant a state belongs to; core/algorithm.ts says why.
local function settled(at, window, now)
  if at - now > window then return now end
  return at
end

-- Under a clock that tests inject keys live an hour at least: Redis expires them by its own.
local shortest_life = ARGV[1] == '' and 1 or 3600000

-- The bytes of a record, or nil when there is none of that size.
local function read_record(key, size)
  local record = pcall_redis('GET', key)
  if type(record) == 'string' and #record == size then return record end
end

local function write_record(key, record, lifetime)
  call('SET', key, record, 'PX', max(shortest_life, lifetime))
end

-- A key that somebody made permanent gets its TTL back.
local function keep_mortal(key, lifetime)
  if call('PTTL', key) == -1 then call('PEXPIRE', key, max(shortest_life, lifetime)) end
end
