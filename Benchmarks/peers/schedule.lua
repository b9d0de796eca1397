-- wrk: a 100-step cosine, its parameters different in every request.
local n = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  local rate = 0.0001 * (1 + n % 997)
  return wrk.format(nil, "/schedule", nil,
    '{"schedule":{"type":"cosine","base_lr":' .. rate .. ',"total_steps":' .. (100 + n % 89) .. '},"steps":100}')
end
