"""The words by which people call the fields of problems, and words of planning for which there is no field.

A vocabulary, not a rule: :mod:`kanopt.records.likeness` compares the headers of tables with it. Words are written
without accents, phrases are parted by commas; the first languages are English, German, French and Spanish. A word in
no list is found all the same where it is spelt like one that is.
"""

from __future__ import annotations

__all__ = [
    "ELSEWHERE",
    "FIELD_WORDS",
    "IDENTIFIERS",
    "LIMITS",
    "MONEY",
    "NO_FIELD",
    "OTHER",
    "OWNERS",
    "PLAIN_FIELDS",
    "PRICE",
    "WEAK",
]

_FIELDS = """
# every kind of problem
name: name, id, identifier, label, code, bezeichnung, nom, nombre
x: x, east, easting, x coord, x coordinate, x pos
y: y, north, northing, y coord, y coordinate, y pos
lat: lat, latitude, breite, breitengrad, latitud
lon: lon, lng, long, longitude, laenge, laengengrad, longitud
# routing
demand: demand, qty, quantity, volume, weight, load, amount, units, pieces, items, delivery, deliveries, drop size,
    order size, shipment size, to deliver, cargo, boxes, cases, crates, packages, pallets, parcels, need, wanted,
    menge, bedarf, nachfrage, gewicht, ladung, demande, besoin, quantite, poids, colis, cantidad, demanda, peso, carga
pickup: pickup, pick up, collect, collection, to collect, returns, returned goods, empties, abholung, retoure,
    ramassage, collecte, enlevement, recogida
source: source, origin, pickup at, pickup from, load at, from client, herkunft, origine, origen
service_duration: service, service time, service duration, stop time, stop duration, handling, handling time, unload,
    unloading, unloading time, loading time, dwell, dwell time, drop time, on site time, time on site, on site, visit
    time, visit duration, standzeit, servicezeit, entladezeit, temps service, duree service, tiempo servicio, descarga
clients.release_time: release, release time, goods ready, goods available, ready at depot, available at depot, loaded
    from, ware bereit, marchandise prete
earliest: earliest, ready, ready time, open, opens, opening, opening time, from, start, begin, window from, window
    start, window open, time window start, tw start, tw from, tw open, tw begin, tw early, early, first delivery, not
    before, after, arrive after, earliest arrival, earliest start, available from, von, ab, oeffnet, fenster
    von, debut, ouverture, desde, apertura, inicio
latest: latest, due, due time, deadline, close, closes, closing, closing time, until, till, to, end, window to, window
    end, window close, time window end, tw end, tw to, tw close, tw due, tw late, last delivery, not after, before,
    arrive by, arrive before, deliver by, latest arrival, latest start, no later than, bis, schliesst, fenster bis,
    fin, fermeture, hasta, cierre, limite
windows: windows, time windows, opening hours, open hours, hours open, delivery windows, slots, time slots,
    oeffnungszeiten, zeitfenster, lieferfenster, horaires, horario
unit_lateness_cost: cost per lateness, lateness cost, late fee, late cost, late penalty, lateness penalty, delay cost,
    delay penalty, tardiness cost, tardiness penalty, verspaetungskosten, penalite retard, multa retraso
prize: prize, reward, revenue, profit, bonus, skip cost, skip penalty, drop penalty, unserved penalty, unserved cost,
    cost of skipping, erloes, recompense, premio
demand_sd: demand sd, demand std, demand standard deviation, demand deviation, demand spread, demand sigma
on_time: on time, on time probability, service level, promised probability, otif, puenktlichkeit
needs: needs, required skills, skills, requires, requirements, equipment, required equipment, competences
vehicles: vehicles, allowed vehicles, allowed trucks, vehicle types, vehicle type, allowed types, fahrzeuge, vehicules
goods: goods, commodity, cargo type, goods class, hazard class, adr class, ware, marchandise, mercancia
num_available: count, number, fleet size, quantity, qty, available, units, how many, amount, anzahl, nombre, cantidad,
    numero
capacity: capacity, payload, max load, max weight, gvw, gross weight, max payload, max volume, load limit, weight
    limit, tonnage, load capacity, weight capacity, carrying capacity, kapazitaet, nutzlast, zuladung, ladekapazitaet,
    capacite, charge utile, charge max, capacidad, carga maxima, carga util
fixed_cost: fixed cost, fixed price, fixed fee, cost per vehicle, cost per use, usage cost, deployment cost,
    activation cost, start up cost, leasing, lease, rent, rental, miete, fixkosten, cout fixe, coste fijo, costo fijo
unit_distance_cost: cost per distance, cost per km, distance cost, mileage cost, mileage rate, km cost, km rate,
    variable cost, running cost, driving cost, kilometerkosten, fahrtkosten, cout kilometrique, coste kilometro
unit_duration_cost: cost per time, cost per hour, hourly cost, hourly rate, hourly wage, wage, wages, labour cost,
    driver cost, driver wage, time cost, salary, stundenlohn, stundensatz, lohn, lohnkosten, cout horaire, taux horaire,
    salaire, coste hora, salario
shift_start: shift start, shift from, shift begin, shift open, start, start time, departure, earliest departure,
    depart after, leave after, available from, from, duty start, work start, begin, beginn, schichtbeginn, dienstbeginn,
    debut service, inicio turno
shift_end: shift end, shift to, shift until, end, end time, return by, latest return, back by, return before, back
    before, home by, available until, until, to, duty end, work end, finish, ende, schichtende, dienstende,
    feierabend, fin service, fin turno
start_depot: depot, home, base, home depot, hub, station, garage, warehouse, lager, entrepot, almacen
vehicles.end_depot: end depot, ends at, ending depot, return depot, final depot, arrival depot, end location, zieldepot,
    enddepot, depot arrivee, depot final
returns: returns, return to depot, round trip, comes back, must return, rueckkehr, retour
max_distance: max distance, maximum distance, range, radius, rayon, max km, max mileage, max miles, distance limit, km
    limit, battery range, reichweite, autonomie, distance max, autonomia, distancia maxima
max_duration: max duration, maximum duration, max hours, max time, max working time, working time, max route time,
    duration limit, time limit, driving time limit, max driving time, arbeitszeit, lenkzeit, duree max, duracion
    maxima
shift_duration: regular time, regular hours, normal hours, contract hours, standard hours, overtime after, overtime
    starts, regelarbeitszeit, heures normales
unit_overtime_cost: cost per overtime, overtime cost, overtime rate, overtime pay, overtime wage, overtime,
    ueberstunden, heures supplementaires, horas extra
max_reloads: reloads, max reloads, trips, max trips, number of trips, tours, rounds, touren, tournees, viajes
reload_time: reload time, loading time, turnaround, turnaround time, refill, refill time, depot time, load time,
    ladezeit, beladezeit, temps chargement, tiempo carga
breaks: breaks, break, lunch, lunch break, rest, rest time, pause, pausen, pauses, descanso
skills: skills, skill, equipment, features, capabilities, qualification, licence, license, ausstattung, competences,
    equipements, habilidades
length: length, distance, km, miles, entfernung, strecke, laenge, longueur, longitud
# scheduling
jobs.release_date: release, release date, release time, ready, ready time, ready date, available from, arrival, arrival
    time, arrives, earliest, earliest start, start after, start from, not before, from, open, freigabe, debut au plus
    tot, fecha inicio
due_date: due, due date, due time, deadline, delivery date, promise date, promised, latest, latest end, finish by,
    finish before, complete by, end by, deliver by, deliver before, until, required by, wanted by, needed by, target
    date, liefertermin, termin, faellig, date limite, echeance, fecha entrega, vencimiento, plazo
tardiness_cost: tardiness cost, lateness cost, late cost, late fee, late penalty, delay cost, delay penalty, penalty,
    penalty cost, penalty rate, tardiness penalty, tardiness weight, lateness weight, verspaetungskosten,
    vertragsstrafe, penalite, penalite retard, penalizacion, multa
job: job, order, work order, auftrag, commande, pedido
order: order, sequence, seq, position, step, operation number, rank, stage, reihenfolge, schritt, arbeitsgang, ordre,
    etape, rang, secuencia, paso
family: family, setup family, setup group, setup class, setup type, product family, job family, initial setup, initial
    family, current setup, ruestfamilie, ruestgruppe, famille, familia
task: task, operation, activity, vorgang, tache, operacion, tarea
machine: machine, resource, work center, workcenter, station, line, maschine, anlage, ressource, maquina
duration: duration, time, processing time, process time, run time, runtime, cycle time, work time, proc time, dauer,
    bearbeitungszeit, laufzeit, duree, temps, duracion, tiempo
energy: energy, power use, consumption, electricity, energy use, verbrauch, energie, strom, consommation, consumo,
    energia
before: before, from, from family, previous, prev, predecessor, von, avant, de, antes, desde
after: after, to, to family, next, follows, nach, apres, vers, despues, hasta
time: time, setup time, time between, changeover, changeover time, duration, ruestzeit, umruestzeit, temps reglage
start: start, from, begin, start time, off from, down from, von, ab, debut, inicio, desde
calendars.end: end, to, until, finish, stop, off until, down until, bis, ende, fin, hasta
price: price, tariff, rate, energy price, power cost, electricity price, preis, strompreis, tarif, prix, precio
# supply
product: product, item, sku, article, commodity, produkt, artikel, produit, producto
unit_cost: unit cost, unit price, price, cost, purchase price, purchase cost, buying price, cost per unit, procurement
    cost, einkaufspreis, stueckkosten, preis, prix achat, cout unitaire, precio compra
period_cost: period cost, running cost, operating cost, cost per period, cost per month, monthly cost, opex, monthly
    rent, rent per month, betriebskosten, cout exploitation, coste operativo
storage: storage, storage capacity, storage space, warehouse space, stock limit, max stock, max inventory, stock
    capacity, warehouse capacity, inventory capacity, positions, pallet positions, lagerkapazitaet, lagerplatz,
    stockage, almacenamiento
holding_cost: holding cost, storage cost, keeping cost, inventory cost, stock cost, carrying cost, stockholding cost,
    warehousing cost, lagerkosten, cout stockage, coste inventario
handling_cost: handling cost, processing cost, picking cost, throughput cost, variable cost, cost per unit,
    transshipment cost, umschlagkosten, cout manutention, coste manipulacion
status: status, state, open, is open, existing, offen, ouvert, abierto
weight: weight, unit weight, mass, weight per unit, gewicht, poids, peso
shortage_cost: shortage cost, stockout cost, stock out cost, lost sales cost, lost sale, backorder cost, backlog cost,
    unmet demand cost, unmet penalty, shortage penalty, shortfall cost, penalty, fehlmengenkosten, cout rupture, coste
    rotura
tail: tail, from, origin, source, start, supplier, sender, von, quelle, origine, depart, de, origen, desde
head: head, to, destination, dest, target, end, receiver, consignee, nach, ziel, vers, destino, hasta
mode: mode, transport mode, means, transport type, verkehrstraeger, modo
distance: distance, length, dist, km, miles, haul, entfernung, strecke, distanz, distancia, longitud
market: market, customer, client, region, destination, markt, kunde, marche, mercado
period: period, month, week, day, periode, monat, mois, periodo, mes
# decisions
low: low, min, minimum, lower, lower bound, lb, least, from
high: high, max, maximum, upper, upper bound, ub, most, to
unit: unit, units, uom, einheit, unite, unidad
integer: integer, whole, discrete, ganzzahlig, entier, entero
# in one table
vehicles.capacity: volume, weight, load, pallets, pallet spaces, cargo, charge, carga
suppliers.capacity: supply, max supply, available, availability, offer, stock, production, production capacity,
    output, max output, quantity, max quantity, volume, angebot, offre, oferta, produccion
facilities.capacity: throughput, max throughput, throughput capacity, max flow, inbound limit, outbound limit,
    durchsatz, debit, rendimiento, volume
facilities.fixed_cost: opening cost, cost to open, open cost, investment, investment cost, site cost, setup cost,
    build cost, annual cost, capex, eroeffnungskosten, cout ouverture, coste apertura
lanes.capacity: max flow, flow limit, limit, max quantity, volume, throughput
"""

NO_FIELD = """
priority, prio, importance, urgency, prioritaet, priorite, prioridad, skill, skills, lead time, lieferzeit, delai,
plazo entrega, transit time, delivery time, minimum, min order, minimum order, min order quantity, moq, min quantity,
minimum quantity, min load, minimum load, mindestmenge, initial stock, opening stock, start stock, initial inventory,
opening inventory, stock, inventory, on hand, bestand, anfangsbestand, stock initial, existencias, safety stock,
buffer stock, buffer, sicherheitsbestand, stock securite, stock seguridad, reorder point, reorder level, predecessor,
predecessors, successors, successor, precedence, depends on, dependency, dependencies, vorgaenger, predecesseur,
predecesor, previous, prev, preceding, optional, mandatory, must serve, must visit, can skip, may skip, skippable, can
be skipped, required, batch, batch size, lot, lot size, min batch, max batch, losgroesse, taille lot, lote, crew, crew
size, operators, operator, workers, people, staff, headcount, personal, max stops, max clients, max customers, min
stops, drivers, stop limit, number of stops, speed, speed factor, efficiency, max ride time, ride time, frequency,
visits, visits per week, visit days, toll, tolls, maut, peage, cost, price, fee, rate, tariff, penalty, budget,
kosten, cout, coste, costo, service level, fill rate, delivery days, shelf life, splittable, split delivery,
preemptive, holiday, maintenance, downtime, availability, available, battery, charge time, charging time, fuel,
consumption, emissions, co2, weight, parallel, team, driver, driver count, incompatible, incompatibility, same
vehicle, same route, setup time, setup cost, changeover cost, scrap, yield, min
gap, max gap, max wait, waiting time, wait cost, share, ratio, growth, discount, risk, forecast, shifts, margin,
safety, rush, express, lift
"""
"""Words of planning for which a table has no field; those of the fields of other tables are such words as well."""


_ELSEWHERE = """
tasks: the field order: predecessor, predecessors, successors, successor, precedence, depends on, dependency,
    dependencies, vorgaenger, nachfolger, predecesseur, predecesor, previous, prev, preceding
machines: the table calendars: shift, shifts, shift start, shift from, shift end, shift to, shift until, downtime,
    maintenance, holiday, available from, available until, schicht, schichtbeginn, schichtende, wartung, equipe, turno
jobs tasks modes machines: the table setups: setup time, setup, changeover, changeover time, ruestzeit, umruestzeit,
    temps reglage
markets products periods: the table demand: @demand
lanes: the law tariff: cost, price, rate, tariff, freight, freight cost, freight rate, cost per km, cost per unit,
    transport cost, toll, tolls, kosten, preis, fracht, frachtkosten, tarif, cout, prix, coste, costo, precio
"""


def _elsewhere(text: str) -> tuple[tuple[frozenset[str], str, str], ...]:
    """Read lines of tables, the place that has what is meant, and what it is called there."""
    lines = text.strip().replace("\n    ", " ").splitlines()
    parts = [line.split(": ") for line in lines]
    return tuple(
        (frozenset(tables.split()), place, FIELD_WORDS[words[1:]] if words.startswith("@") else words)
        for tables, place, words in parts
    )


def _field_words(text: str) -> dict[str, str]:
    """Read lines of a field and what it is called; a line that is indented goes on."""
    lines = text.strip().replace("\n    ", " ").splitlines()
    pairs = [line.partition(": ") for line in lines if not line.startswith("#")]
    return {field: words for field, _, words in pairs}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIELD_WORDS = _field_words(_FIELDS)
"""Field, or table and field, to what it is called elsewhere."""

ELSEWHERE = _elsewhere(_ELSEWHERE)
"""Tables in which there is no field for what some words mean, the place where the problem has it, and the words."""

OWNERS = _words(
    """
    camion client cliente customer depot driver facility fahrzeug item job kunde lane lkw lorry machine market
    maschine order period plant product route shop site sku stop store task tour trip truck van vehicle vehiculo
    warehouse
    """
)
"""Words for the thing a row is about, which say nothing of what a column holds."""

PLAIN_FIELDS = _words(
    """
    after before end family goods head high integer job lat length lon low machine market mode name
    num_available order period product returns source start start_depot status tail task time unit vehicles weight x y
    """
)
"""Fields whose names say nothing in a table of another kind."""

LIMITS = _words("limit max maximal maximum min mindest minimal minimum")
"""Words for limits, which planning keeps where it knows them."""

WEAK = _words(
    """
    actual amount and at average avg by cost daily date end est estimated expected from in level limit max maximum min
    minimum monthly next no nominal number of on open per planned price rate requested size start the time to total
    type unit value weekly
    """
)
"""Words that many headers share, so that they alone make no resemblance unless they are the whole of it."""

OTHER = _words(
    """
    address area brand category city class color colour comment contact country created description group
    material note notes owner plate postcode region remark remarks street title town updated
    zip zone
    """
)
"""Words of tables that have nothing to do with planning; they are not taken for others that are spelt alike."""

IDENTIFIERS = _words(
    """
    barcode code email guid id key no nr number phone ref reference tel url uuid
    """
)
"""Words that make a column a name of something, whatever else stands in its header."""

PRICE = _words(
    """
    charge cost coste costo costs cout fee kosten money precio preis price prix rate tarif tarifa tariff
    """
)
"""Words for a price that do not say of what; each may stand for the other."""

MONEY = PRICE | _words("budget fine geld lohn pay penalty rent salary satz toll wage")
"""Words by which a header says that its column holds money."""
