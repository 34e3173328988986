# Ids and names of registers. Imported only where a stranger's ids have to be named: the meter profiles carry the
# names of their own registers. One text, packed and read when asked, because a dict of it costs the chip about 9 KB.
# Ids: Kamstrup 5512-447 5.2-5.3 and the sources named in docs/protocol.md.

from micropython import const

from kmp.packed import lines

# Keys are the same on every way out and never change; a label is made from its key.
_REGISTERS = const("""
1 energy_in
2 energy_out
3 reactive_energy_in
4 reactive_energy_out
5 reactive_energy_inductive
6 reactive_energy_capacitive
13 energy_in_high_resolution
14 energy_out_high_resolution
19 energy_in_tariff_1
20 energy_out_tariff_1
21 reactive_energy_in_tariff_1
22 reactive_energy_out_tariff_1
23 energy_in_tariff_2
24 energy_out_tariff_2
25 reactive_energy_in_tariff_2
26 reactive_energy_out_tariff_2
27 energy_in_tariff_3
28 energy_out_tariff_3
29 reactive_energy_in_tariff_3
30 reactive_energy_out_tariff_3
31 energy_in_tariff_4
32 energy_out_tariff_4
33 reactive_energy_in_tariff_4
34 reactive_energy_out_tariff_4
39 max_power_in
40 max_power_out
41 max_reactive_power_in
42 max_reactive_power_out
43 accumulated_max_power_in
44 accumulated_max_power_out
45 accumulated_max_reactive_power_in
46 accumulated_max_reactive_power_out
47 debiting_periods
50 status
51 meter_number_1
52 meter_number_2
53 meter_number_3
54 config_1
55 config_2
56 config_3
57 special_data
58 pulse_input
60 heat_energy
61 flow_energy
62 return_energy
63 cooling_energy
64 tariff_2
65 tariff_3
66 tariff_2_limit
67 tariff_3_limit
68 volume
69 volume_2
72 mass
73 mass_2
74 flow
75 flow_2
80 power
84 input_a
85 input_b
86 flow_temperature
87 return_temperature
88 temperature_3
89 temperature_difference
91 pressure
92 pressure_2
94 control_energy
95 tap_water_energy
96 heat_energy_y
97 volume_times_flow_temperature
98 target_date
99 info
104 input_b_meter_number
110 volume_times_return_temperature
112 customer_number_2
113 info_events
114 input_a_meter_number
122 temperature_4
123 max_flow_date_this_year
124 max_flow_this_year
125 min_flow_date_this_year
126 min_flow_this_year
127 max_power_date_this_year
128 max_power_this_year
129 min_power_date_this_year
130 min_power_this_year
138 max_flow_date_this_month
139 max_flow_this_month
140 min_flow_date_this_month
141 min_flow_this_month
142 max_power_date_this_month
143 max_power_this_month
144 min_power_date_this_month
145 min_power_this_month
146 average_flow_temperature_this_year
147 average_return_temperature_this_year
149 average_flow_temperature_this_month
150 average_return_temperature_this_month
152 program_number
153 config_number_1
154 software_checksum
155 energy_high_resolution
157 top_module
158 base_module
168 config_number_2
175 error_hours
178 differential_energy
179 control_energy_ce
180 differential_volume
181 control_volume
184 primary_address
185 secondary_address
218 primary_address_2
219 secondary_address_2
222 config_changes
223 volume_high_resolution_402
224 input_a2
225 input_b2
228 config_number_3
229 average_flow_temperature_last_period
230 average_return_temperature_last_period
234 input_a_litres_per_pulse
235 input_b_litres_per_pulse
239 volume_high_resolution
241 max_flow_this_day
242 min_flow_this_day
243 reverse_volume
254 type_text
257 pulse_value
258 pulse_value_2
259 nominal_flow
260 nominal_flow_2
266 heat_energy_high_resolution
267 cooling_energy_high_resolution
268 averaging_time
279 din_meter_number
292 water_temperature
299 ambient_temperature
338 data_quality
346 module_software
347 full_customer_number
348 date_time
355 cop_this_year
362 tariff_4
364 heat_energy_a1
365 heat_energy_a2
366 temperature_5_limit
367 cop_this_month
368 config_number_4
369 info_bits
371 cop
372 input_b1_power
379 average_flow_temperature_day
380 average_return_temperature_day
381 average_flow_temperature_hour
382 average_return_temperature_hour
383 max_flow_time_this_year
384 min_flow_time_this_year
385 max_power_time_this_year
386 min_power_time_this_year
387 max_flow_time_this_month
388 min_flow_time_this_month
389 max_power_time_this_month
390 min_power_time_this_month
398 flow_temperature_one_decimal
399 return_temperature_one_decimal
400 temperature_difference_one_decimal
404 meter_type
473 energy_e10
474 energy_e11
477 average_temperature_3_day
478 average_temperature_3_hour
505 average_pressure_day
506 average_pressure_2_day
507 average_pressure_hour
508 average_pressure_2_hour
582 battery_days
622 volume_extra_digit
640 meter_type_text
675 radio_interval
1001 serial
1002 clock
1003 date
1004 operating_hours
1005 software
1010 customer_number
1023 power_in
1024 power_out
1025 reactive_power_in
1026 reactive_power_out
1032 operation_mode
1033 max_power_in_tariff_1
1036 max_power_in_tariff_2
1045 rtc_status
1047 rtc
1049 max_power_in_time
1050 max_power_in_tariff_1_time
1051 max_power_in_tariff_2_time
1054 voltage_l1
1055 voltage_l2
1056 voltage_l3
1076 current_l1
1077 current_l2
1078 current_l3
1080 power_in_l1
1081 power_in_l2
1082 power_in_l3
1087 connection_status
1126 type_number
1170 power_factor_l1
1171 power_factor_l2
1172 power_factor_l3
1173 power_factor
1271 kmp_address
1344 power_out_l1
1345 power_out_l2
1346 power_out_l3
""")


def known():
    """Yields (id, key) of all known registers, ids ascending."""
    for line in lines(_REGISTERS):
        register, key = line.split(" ")
        yield int(register), key


def register_key(register):
    """The stable name of a register id: "volume", or "register_2345" for one that is not known."""
    for one, key in known():
        if one == register:
            return key
    return "register_%d" % register


def register_id(key):
    """The other way round; None for a word that is no register."""
    digits = key[9:]
    if key.startswith("register_") and 1 <= len(digits) <= 5 and not digits.strip("0123456789"):
        number = int(digits)
        return number if number <= 0xFFFF else None
    for register, one in known():
        if one == key:
            return register
    return None
