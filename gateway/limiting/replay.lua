-- Counts calls that were admitted elsewhere while this store was away, at the time they were made.
--
-- KEYS   for each call: the meter
-- ARGV   1: the time in microseconds, or 0 to ask Redis
--        for each call: algorithm, window, quota, places, burst, how long ago in microseconds
-- reply  the number of calls

local now = microseconds(ARGV[1])

-- Into its place by time, so that what leaves the window first stands last.
local function insert(key, window, at, places)
  local entries = read(key, 'LRANGE', key, 0, -1) or {}
  local times = {}
  for _, entry in ipairs(entries) do
    local time = tonumber(entry)
    if time then times[#times + 1] = time end
  end
  for _ = 1, places do times[#times + 1] = at end
  table.sort(times, function(a, b) return a > b end)
  -- From the oldest on, a microsecond between any two, as `take` keeps them.
  for i = #times - 1, 1, -1 do times[i] = math.max(times[i], times[i + 1] + 1) end
  redis.call('DEL', key)
  for _, time in ipairs(times) do redis.call('RPUSH', key, as_text(time)) end
  expire(key, times[1] - now + window)
end

for i = 1, #KEYS do
  local key, at = KEYS[i], 2 + 6 * (i - 1)
  local algorithm, window, quota, places, burst, ago =
    ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if ago < window then
    if algorithm == 'log' then insert(key, window, now - ago, places)
    -- A call that ran elsewhere tells nobody here when it ends.
    elseif algorithm ~= 'concurrent' then meters[algorithm].take(key, now, window, places, quota, '', burst) end
  end
end
return #KEYS
