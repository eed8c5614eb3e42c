-- Keeps one answer, unless one of its groups was purged since the app was asked.
-- KEYS: marker, variant, then for each group its members and its last purge
-- ARGV: marker's value, answer's value, milliseconds to keep, milliseconds since the app was asked
-- Replies 1, or 0 when it was purged.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local keep = tonumber(ARGV[3])
local asked = now - tonumber(ARGV[4])

for i = 4, #KEYS, 2 do
  local purged = redis.call('GET', KEYS[i])
  if purged and tonumber(purged) >= asked then return 0 end
end

-- The marker outlives its variants, so that none becomes unreachable.
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.max(keep, left))
redis.call('SET', KEYS[2], ARGV[2], 'PX', keep)
for i = 3, #KEYS, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', math.floor(now))
  redis.call('ZADD', KEYS[i], math.ceil(now + keep), KEYS[2])
  redis.call('PEXPIRE', KEYS[i], math.max(keep, redis.call('PTTL', KEYS[i])))
end
return 1
