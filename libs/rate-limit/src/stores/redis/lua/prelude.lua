-- Runs the commands of a batch in order of arrival. A request to charge is judged as a whole: all of its hits are
-- charged, or none. wire/frame.ts says where everything stands; its numbers are written here as FRAME and OPCODE.
--
-- KEYS      the keys of the commands, one command after the other; on a Cluster all of them share one hash slot
-- ARGV      lone.lua says how a lone request is shorter. All others:
--           not_after: the server's clock past which nothing is done, or '' for never too late
--           now in ms, or '' for the server's clock
--           the policies, each: algorithm, limit, window, burst, life (how long its keys are kept, in ms). With a
--           calendar window: calendar-window, limit, the most that the window can last, its bounds (calendar-window.lua),
--           and the shortest life of a key. Its keys are kept until it ends
--           the runs of equal commands, each: opcode, how many commands, and what they have in common. In a `hitEach`
--           run each hit is under the policy after the last one's. The opcode
--           `deadline` comes with a number of ms instead: the runs behind it are too late that long before not_after.
--           Without any run, each key is a request for one unit of the only policy
-- Returns   little-endian doubles: the server's clock in ms, then the numbers of each command (of a hit remaining,
--           reset_after and retry_after, which is 0 when it is allowed). A command that came after its deadline, or that
--           expected another calendar window, did nothing: it has LATE in place of each of its numbers, and the clock is
--           negative. The clock alone: all commands are late
--
-- A state says when it began or when it ends; its key's TTL only collects garbage. A key of a foreign type, or with a value
-- that no algorithm wrote, is an absent state, and so a full quota; the next charge writes over it. A state more than a
-- window ahead of now comes from a clock that had jumped: it is moved to now (core/algorithm.ts).
--
-- Redis runs this from the top each time. So each part is made when it is first needed, a hit makes no table and no
-- closure, and Redis gets numbers as text from ARGV where it can: Lua is slow at writing numbers.

local call, pcall_redis, type, tonumber = redis.call, redis.pcall, type, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpack_record, format, rep = struct.pack, struct.unpack, string.format, string.rep

-- Below it a double holds every whole number exactly.
local LARGEST = 9007199254740992

-- A key of a foreign type is an absent state. Any other error is one: without it, a quota that may not be read would be
-- full for ever.
local function refuse_unless_foreign(refusal)
  if not string.find(refusal.err, 'WRONGTYPE') then error(refusal.err) end
end

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
  elseif type(found) == 'table' then
    refuse_unless_foreign(found)
  end
end
