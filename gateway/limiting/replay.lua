-- Counts calls that were admitted elsewhere while this store was away, at the time they were made.
--
-- KEYS   for each call: the meter
-- ARGV   1: the time in microseconds, or 0 to ask Redis
--        for each call: algorithm, window, quota, places, burst, how long ago in microseconds
-- reply  the number of calls

local now = microseconds(ARGV[1])

-- Into their places by time, so that what leaves the window first stands last. All of a key at once, and only
-- what is newer than the oldest of them is moved: nobody waits while a long log is written anew.
local function insert(key, window, times)
  local oldest = math.huge
  for _, time in ipairs(times) do oldest = math.min(oldest, time) end
  local newest = time_at(key, 0)
  while newest and newest >= oldest do
    redis.call('LPOP', key)
    times[#times + 1] = newest
    newest = time_at(key, 0)
  end
  table.sort(times)
  -- A microsecond between any two, as `take` keeps them.
  local last = newest or 0
  for _, time in ipairs(times) do
    last = math.max(time, last + 1)
    redis.call('LPUSH', key, as_text(last))
  end
  expire(key, last - now + window)
end

local logs = {}

for i = 1, #KEYS do
  local key, at = KEYS[i], 2 + 6 * (i - 1)
  local algorithm, window, quota, places, burst, ago =
    ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if ago < window then
    if algorithm == 'log' then
      logs[key] = logs[key] or { window = window, times = {} }
      for _ = 1, places do table.insert(logs[key].times, now - ago) end
    -- A call that ran elsewhere tells nobody here when it ends.
    elseif algorithm ~= 'concurrent' then meters[algorithm].take(key, now, window, places, quota, '', burst) end
  end
end
for key, told in pairs(logs) do insert(key, told.window, told.times) end
return #KEYS
