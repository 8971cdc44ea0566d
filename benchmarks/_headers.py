"""Headers of columns that no field is called, and what kanopt should say of them.

A line is table, header, what is meant, and ``text`` where the cells are texts. What is meant is a field; ``-`` a word
of planning without a field, ``?`` nothing that matters; or several of these, where more than one answer is good.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SETS", "HeaderCase"]

# met while the vocabulary was written: words were added until most of these were known
MET = """
clients demand_kg demand
clients qty demand
clients Menge demand
clients window_from earliest
clients window_to latest
clients tw_start earliest
clients tw_end latest
clients readyTime earliest
clients due_time latest
clients DueDate latest
clients opening earliest
clients closes_at latest
clients service_minutes service_duration
clients stop_time service_duration
clients unload_min service_duration
clients handling service_duration
clients priority no_field|-
clients zone ? text
clients note ? text
clients colour ? text
clients phone ? text
clients penalty_unserved prize|-
clients late_penalty_eur_h unit_lateness_cost
clients weight_lbs demand
clients pallets demand
clients volume_m3 demand
clients required_skill needs text
clients opening_hours windows text
clients collect_kg pickup
clients latitude lat
clients customer_id ?
clients address ? text
vehicles capacity_kg capacity
vehicles payload capacity
vehicles max_load_t capacity
vehicles Nutzlast capacity
vehicles cost_per_hour unit_duration_cost
vehicles cost_per_km unit_distance_cost
vehicles hourly_rate unit_duration_cost
vehicles fixed_eur fixed_cost
vehicles price_per_day unit_duration_cost|fixed_cost
vehicles max_km max_distance
vehicles range_km max_distance
vehicles max_hours max_duration
vehicles start_time shift_start
vehicles shift_from shift_start
vehicles end_time shift_end
vehicles number_of_vehicles num_available
vehicles fleet_size num_available
vehicles fuel_type ? text
vehicles plate ? text
vehicles max_stops -
vehicles speed_kmh -
vehicles loading_time reload_time
vehicles wage_eur_h unit_duration_cost
vehicles overtime_rate unit_overtime_cost
jobs deadline due_date
jobs dueDate due_date
jobs releaseDate release_date
jobs predecessors - text
jobs optional -
jobs weight -
jobs penalty_per_hour tardiness_cost
jobs customer ? text
tasks batch_size -
tasks predecessors - text
tasks optional -
tasks setup_family family text
tasks seq order
machines capacity -
machines crew -
machines cost_per_hour -
modes processing_time duration
modes minutes duration
modes kwh energy
modes power_kw energy|-|?
suppliers lead_time -
suppliers minimum -
suppliers price_eur_t unit_cost
suppliers max_supply capacity
facilities initial_stock -
facilities safety_stock -
facilities opening_cost fixed_cost
facilities throughput_t capacity
facilities monthly_cost period_cost
facilities storage_cost holding_cost
facilities max_stock storage
lanes lead_time -
lanes min_order -
lanes km distance
lanes max_flow capacity
lanes carrier ? text
markets demand -
markets population ?
products unit_weight_kg weight
products lost_sales_cost shortage_cost
products shelf_life -
clients ordered_kg demand
clients Kundenbedarf_t demand
clients parcels_to_drop demand
clients unloadMinutes service_duration
clients slot_start earliest
clients slot_end latest
clients earliest_arrival_h earliest
clients latest_departure latest
clients vip ?|- text
clients dropoff_window_begin earliest
clients volumen_m3 demand
clients nb_colis demand
clients heure_ouverture earliest
clients heure_fermeture latest
clients hora_apertura earliest
clients must_visit -
clients late_fine_per_h unit_lateness_cost
clients revenue_eur prize
clients needs_tail_lift needs text
clients house_no ?
clients shop_type ? text
vehicles gross_payload_t capacity
vehicles capacite_palettes capacity
vehicles cost_km unit_distance_cost
vehicles eur_per_hour unit_duration_cost
vehicles tarif_horaire unit_duration_cost
vehicles day_rate fixed_cost|unit_duration_cost
vehicles daily_fixed_eur fixed_cost|unit_duration_cost
vehicles rayon_km max_distance
vehicles shift_begin_h shift_start
vehicles return_before shift_end
vehicles max_drive_h max_duration
vehicles n_vehicles num_available
vehicles co2_per_km -
vehicles drivers -|num_available
vehicles pause_min breaks|-
vehicles licence_plate ? text
jobs wanted_by due_date
jobs arrives_at release_date
jobs late_fee_eur_h tardiness_cost
jobs customer_priority -
jobs can_be_skipped - text
jobs article ? text
tasks prev_task - text
tasks operators_needed -
tasks setup_class family text
tasks step_no order
machines hourly_cost -
machines max_batch -
machines buffer -
machines serial ? text
modes proc_time_min duration
modes kWh_per_task energy
modes workers -
suppliers max_tonnes capacity
suppliers price_per_t unit_cost
suppliers delivery_lead_days -
suppliers moq_t -
facilities build_cost_keur fixed_cost
facilities max_in_t capacity
facilities warehouse_space_t storage
facilities keep_cost holding_cost
facilities start_inventory -
facilities reorder_level -
facilities manager ? text
lanes len_km distance
lanes cap_t capacity
lanes days_in_transit -
lanes freight_rate -
products kg_per_unit weight
products stockout_penalty shortage_cost
markets need_t -
markets growth -
clients Liefermenge_kg demand
clients besoin demand
clients mercancia_kg demand
clients total_weight demand
clients num_packages demand
clients Zeitfenster_von earliest
clients Zeitfenster_bis latest
clients opens_at_h earliest
clients appointment_from earliest
clients appointment_to latest
clients deliver_before latest
clients access_from earliest
clients stopDurationMin service_duration
clients park_and_unload_min service_duration
clients setup_minutes service_duration|-
clients pick_qty pickup|demand
clients income_eur prize
clients penalty_if_skipped prize|-
clients delay_fee_per_min unit_lateness_cost
clients importance -
clients allowed_trucks vehicles text
clients requires_cooling needs text
clients account_manager ? text
clients district ? text
clients last_order_date ? text
clients rating ?
vehicles payload_lbs capacity
vehicles max_cargo_kg capacity
vehicles load_volume_m3 capacity
vehicles Tagesmiete fixed_cost
vehicles rental_eur fixed_cost
vehicles cost_mile unit_distance_cost
vehicles fuel_eur_per_km unit_distance_cost
vehicles driver_eur_per_h unit_duration_cost
vehicles overtime_pay_h unit_overtime_cost
vehicles begins_at shift_start
vehicles leave_after shift_start
vehicles home_by shift_end
vehicles max_tour_km max_distance
vehicles max_shift_hours max_duration
vehicles quantity num_available
vehicles max_drops -
vehicles avg_speed -
vehicles refuel_min reload_time|-
vehicles starting_depot start_depot text
vehicles year_built ?
jobs finish_before due_date
jobs Faelligkeit due_date
jobs earliest_begin release_date
jobs lateness_penalty tardiness_cost
jobs urgency -
jobs lot_size -
jobs sales_rep ? text
tasks after_task - text
tasks position order
tasks tool_family family text
tasks crew -
tasks drawing_rev ? text
machines energy_price -
machines shifts -
machines max_hours_per_day -
machines vendor ? text
modes run_minutes duration
modes cycle_sec duration
modes consumption_kwh energy
modes setup_min -|duration
suppliers yearly_output_t capacity
suppliers buy_price unit_cost
suppliers min_purchase -
suppliers days_to_deliver -
facilities rent_per_month period_cost
facilities capex fixed_cost
facilities inbound_limit_t capacity
facilities pallet_positions storage
facilities cost_of_stock holding_cost
facilities safety_days -
facilities opening_inventory -
lanes route_km distance
lanes weekly_limit_t capacity
lanes transit_h -
lanes min_load_t -
products mass_kg weight
products backlog_cost shortage_cost
products margin -
markets weekly_demand -
markets inhabitants ?
periods working_days -|?
clients bestellt_kg demand
clients kilograms demand
clients drop_weight demand
clients cases demand
clients palettes_a_livrer demand
clients horaire_debut earliest
clients abre_a_las earliest
clients rdv_heure_fin latest
clients last_delivery_h latest
clients first_delivery_h earliest
clients tw_early earliest
clients tw_late latest
clients ServiceDur service_duration
clients drop_time_min service_duration
clients minutes_on_site service_duration
clients return_kg pickup
clients fee_if_late_eur_h unit_lateness_cost
clients contribution_eur prize
clients optional_stop -
clients sequence_no ?|-
clients ramp_height_cm ?|-
clients cooled_only needs|?|- text
clients customer_segment ? text
clients driver_instructions ? text
clients google_place_id ? text
clients credit_limit_eur -
clients sales_2023_eur -|prize
vehicles max_gvw_t capacity
vehicles volume_capacity_m3 capacity
vehicles ladung_max capacity
vehicles leasing_eur_month fixed_cost|unit_duration_cost
vehicles toll_eur_km unit_distance_cost
vehicles Kosten_je_km unit_distance_cost
vehicles Kosten_pro_Stunde unit_duration_cost
vehicles personnel_cost_h unit_duration_cost
vehicles shift_opens shift_start
vehicles Feierabend shift_end
vehicles latest_return_h shift_end
vehicles kilometre_limit max_distance
vehicles electric_range_km max_distance
vehicles max_driving_h max_duration
vehicles pieces_available num_available
vehicles rounds_per_day max_reloads|-
vehicles refill_time reload_time
vehicles Mittagspause breaks text
vehicles has_lift -|skills
vehicles co2_g_km -|?
vehicles insurance_class ? text
vehicles first_registration ? text
jobs complete_by due_date
jobs latest_finish due_date
jobs can_start_from release_date
jobs contract_penalty_eur_day tardiness_cost
jobs rush_order -
jobs pieces -
jobs customer_name ? text
tasks depends_on_task - text
tasks step order
tasks family_of_setup family text
tasks people -
tasks operator_skill - text
machines capacity_units -
machines oee -|?
machines setup_cost_eur -
machines bay ? text
modes ProcessingTimeMin duration
modes takt_s duration|-
modes electricity_kwh energy
modes scrap_rate -
setups minutes_between -
suppliers capacity_per_month_t capacity
suppliers Einkaufspreis_eur_t unit_cost
suppliers cost_per_tonne unit_cost
suppliers lot_t -|capacity
suppliers reliability -|?
facilities setup_investment fixed_cost
facilities running_eur_month period_cost
facilities max_throughput_t capacity
facilities stock_limit_t storage
facilities eur_per_pallet_stored holding_cost
facilities pick_and_pack_cost handling_cost
facilities beginning_inventory_t -|storage
facilities min_stock -
facilities country ? text
lanes road_km distance
lanes max_tonnes capacity
lanes transit_days -
lanes co2_kg -|capacity
lanes minimum_shipment -
products gross_weight weight
products lost_sale_cost shortage_cost
products shelf_days -
markets annual_need_t -
markets service_level -
"""

# copied from tables and templates in public repositories when most of the vocabulary stood; 64 of 69 at first sight
FOUND = """
clients DEMAND demand
clients READY_TIME earliest
clients DUE_DATE latest
clients SERVICE_TIME service_duration
clients demand_cbm demand
clients time_window_start earliest
clients time_window_end latest
clients service_time_minutes service_duration
clients service_minutes service_duration
clients weight_kg demand
clients volume_m3 demand
clients delivery demand
clients priority -
clients special_instructions ? text
clients customer_phone ? text
vehicles driver_cost_per_hour unit_duration_cost
vehicles cost_per_km unit_distance_cost
vehicles cost_per_minute unit_duration_cost
vehicles max_distance_per_day max_distance
vehicles max_range max_distance
vehicles max_distance_km max_distance
vehicles fuel_consumption_per_km -
vehicles fuel_price_per_unit -
vehicles fuel_Capacity -|capacity
vehicles load_cap capacity
vehicles refuel_rate -
vehicles vel -|?
vehicles fuel_type ? text
vehicles company_name ? text
jobs DUE_DATE due_date
jobs priority -
jobs est_minutes -
jobs assignee ? text
tasks setup_time -
tasks processing_time -
tasks seq order
modes cycle_time duration
modes processing_time duration
modes setup_time_min -
modes output_hr -|?
setups setup_time_min -
machines max_wip -
machines rejection ?
suppliers lead_time -
suppliers min_order -
suppliers min_order_quantity -
suppliers max_order_quantity capacity|-
suppliers lead_time_days -
suppliers purchase_price unit_cost
suppliers target_price unit_cost|-
suppliers moq -
suppliers verification_level ? text
facilities current_stock -
facilities minimum_stock -
facilities reorder_point -
facilities reserved_stock -
facilities avg_monthly_consumption -
facilities ordering_cost -
facilities max_wip -
products stockout_cost shortage_cost
products selling_price -
products lot_size -
products review_period_days -
products shelf_life_days -
products barcode ? text
lanes transit_time_days -
lanes distance_km distance
lanes incoterm ? text
markets mean_demand -
"""

# made up at the end; no word was added for them
FRESH = """
clients order_kg demand
clients crates_out demand
clients expected_volume_l demand
clients gate_opens earliest
clients gate_closes latest
clients tw_open_h earliest
clients must_arrive_by latest
clients plage_horaire_debut earliest
clients mins_at_stop service_duration
clients delivery_bonus_eur prize
clients parking_fee -|?
clients vip_level -|?
clients forklift_needed needs|-|? text
clients sales_area ? text
clients iban ? text
vehicles cargo_limit_kg capacity
vehicles Zuladung_kg capacity
vehicles eur_per_100km unit_distance_cost|-
vehicles hour_price unit_duration_cost
vehicles lease_per_day fixed_cost|unit_duration_cost
vehicles start_of_shift shift_start
vehicles end_of_shift shift_end
vehicles max_daily_km max_distance
vehicles number_available num_available
vehicles driver_pay_eur_h unit_duration_cost
vehicles euro_norm ?
vehicles colour ? text
jobs promised_date due_date
jobs earliest_release_h release_date
jobs delay_cost_eur_h tardiness_cost
jobs importance_factor -
jobs buyer ? text
tasks blocked_by - text
tasks op_sequence order
tasks min_lot -
modes work_minutes duration
modes power_kwh energy
modes headcount -
machines shift_model ? text
machines utilisation ?|-
suppliers tonnes_per_week capacity
suppliers purchase_eur_t unit_cost
suppliers min_batch_t -
suppliers payment_days -|?
facilities site_rent fixed_cost|period_cost
facilities inventory_cost_eur_t holding_cost
facilities stock_capacity storage
facilities start_stock_t -|storage
facilities target_days -|?
lanes travel_km distance
lanes max_weekly_t capacity
lanes eta_days -
products piece_weight_kg weight
products penalty_per_t_short shortage_cost
products expiry_days -|?
markets forecast_t -
"""


@dataclass(frozen=True)
class HeaderCase:
    """One header, in one table of one kind of problem."""

    table: str
    header: str
    meant: tuple[str, ...]
    numeric: bool


def _read(text: str) -> tuple[HeaderCase, ...]:
    found = []
    for line in text.strip().splitlines():
        table, header, meant, *kind = line.split()
        found.append(HeaderCase(table, header, tuple(meant.split("|")), not kind))
    return tuple(found)


SETS = {"met": _read(MET), "found": _read(FOUND), "fresh": _read(FRESH)}
