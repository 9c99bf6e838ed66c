-- Judges each request of a batch in turn: charges all of its hits or none.
--
-- KEYS      the states of the hits, request by request, and behind them their blocks (blocks.lua), where there are
--           such; on a Cluster all of them share one hash slot
-- ARGV      not_after: the server's clock past which nothing is charged, or '' for never too late
--           now in ms, or '' for the server's clock
--           the policies, each: algorithm, limit, window, burst, life (how long its keys are kept, in ms); without any
--           nobody is judged, and only the clock is told
--           the requests, in runs of equal ones: how many requests, how many hits each has, then of each hit: which
--           policy, cost. Without any, each key is a request for one unit of the only policy. Fewer than 0 hits: the
--           requests have policies that block (blocks.lua)
-- Returns   little-endian doubles: the server's clock in ms, then per hit remaining, reset_after and retry_after (0 when
--           it is allowed), of one with a block also how long it stands; the clock alone when it is past not_after
--
-- A state says itself when it began; its key's TTL only collects garbage. A key of a foreign type, or with a value
-- that no algorithm wrote, is an absent state, and so a full quota; the next charge writes over it. A state more than a
-- window ahead of now comes from a clock that had jumped: it is moved to now (core/algorithm.ts).
--
-- Redis runs this from the top each time. So what one algorithm needs is made when that algorithm is met, a hit makes
-- no table (a log's does) and no closure, and what Redis is told comes as text from ARGV where it can: Lua is slow at writing numbers.

local KEYS, ARGV = KEYS, ARGV
local call, pcall_redis, type, tonumber = redis.call, redis.pcall, type, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_record, format, rep = struct.pack, struct.unpack, string.format, string.rep

-- Below it a double holds every whole number exactly.
local LARGEST = 9007199254740992

-- The numbers of a packed record, or nothing when it is none of that size and layout.
local function read_record(found, size, layout)
  if found and #found == size then
    local a, b, c = unpack_record(layout, found)
    if
      a >= 0 and a < LARGEST and a % 1 == 0 and b >= 0 and b < LARGEST and b % 1 == 0
      and c >= 0 and c < LARGEST and c % 1 == 0
    then
      return a, b, c
    end
  end
end
