package simulate

import (
	"fmt"
	"slices"
)

// city is where a network's addresses are said to be.
type city struct {
	name, state, country string
	lat, lon             float64
	utc                  int // hours that its clocks are ahead
}

var cities = []city{
	{"London", "England", "GB", 51.509, -0.118, 0},
	{"Leeds", "England", "GB", 53.797, -1.543, 0},
	{"Bristol", "England", "GB", 51.455, -2.588, 0},
	{"Manchester", "England", "GB", 53.481, -2.237, 0},
	{"Edinburgh", "Scotland", "GB", 55.953, -3.189, 0},
	{"Berlin", "Berlin", "DE", 52.524, 13.411, 1},
	{"Hamburg", "Hamburg", "DE", 53.575, 10.015, 1},
	{"Munich", "Bayern", "DE", 48.137, 11.575, 1},
	{"Frankfurt am Main", "Hessen", "DE", 50.116, 8.684, 1},
	{"Paris", "Paris", "FR", 48.853, 2.349, 1},
	{"Lyon", "Rhone", "FR", 45.748, 4.847, 1},
	{"Lille", "Nord", "FR", 50.633, 3.066, 1},
	{"Amsterdam", "Noord-Holland", "NL", 52.374, 4.890, 1},
	{"Rotterdam", "Zuid-Holland", "NL", 51.923, 4.478, 1},
	{"Utrecht", "Utrecht", "NL", 52.091, 5.122, 1},
	{"New York", "New York", "US", 40.714, -74.006, -5},
	{"Chicago", "Illinois", "US", 41.850, -87.650, -6},
	{"Dallas", "Texas", "US", 32.783, -96.807, -6},
	{"Seattle", "Washington", "US", 47.606, -122.332, -8},
	{"Ashburn", "Virginia", "US", 39.044, -77.487, -5},
	{"Boydton", "Virginia", "US", 36.668, -78.388, -5},
	{"Madrid", "Madrid", "ES", 40.417, -3.703, 1},
	{"Barcelona", "Barcelona", "ES", 41.389, 2.159, 1},
	{"Milan", "Milano", "IT", 45.464, 9.190, 1},
	{"Rome", "Roma", "IT", 41.891, 12.511, 1},
	{"Warsaw", "Mazowieckie", "PL", 52.230, 21.012, 1},
	{"Krakow", "Malopolskie", "PL", 50.061, 19.937, 1},
	{"Bucharest", "Bucuresti", "RO", 44.432, 26.106, 2},
	{"Sofia", "Sofia", "BG", 42.698, 23.324, 2},
	{"Stockholm", "Stockholms lan", "SE", 59.333, 18.065, 1},
	{"Dublin", "Dublin", "IE", 53.333, -6.249, 0},
	{"Zurich", "Zurich", "CH", 47.367, 8.550, 1},
	{"Vienna", "Wien", "AT", 48.208, 16.372, 1},
	{"Toronto", "Ontario", "CA", 43.700, -79.416, -5},
	{"Montreal", "Quebec", "CA", 45.509, -73.588, -5},
	{"Sydney", "New South Wales", "AU", -33.868, 151.207, 10},
	{"Singapore", "Singapore", "SG", 1.290, 103.850, 8},
	{"Bengaluru", "Karnataka", "IN", 12.972, 77.594, 5},
	{"Hyderabad", "Telangana", "IN", 17.384, 78.456, 5},
	{"Lagos", "Lagos", "NG", 6.454, 3.395, 1},
	{"Istanbul", "Istanbul", "TR", 41.014, 28.950, 3},
	{"Dubai", "Dubai", "AE", 25.077, 55.309, 4},
	{"Sao Paulo", "Sao Paulo", "BR", -23.548, -46.636, -3},
	{"Mexico City", "Ciudad de Mexico", "MX", 19.428, -99.128, -6},
	{"Johannesburg", "Gauteng", "ZA", -26.202, 28.044, 2},
	{"Tokyo", "Tokyo", "JP", 35.690, 139.692, 9},
}

// kind is what a network is for.
type kind uint8

const (
	office kind = iota
	home
	carrier
	guestWifi // hotels, cafes, trains, other people's homes
	hosting
	anonymizer // consumer VPNs
	gateway    // secure web gateways
	relay      // iCloud Private Relay
	microsoft  // rented machines and desktops in Azure
	kinds
)

// published are autonomous systems of which everybody knows what they are. The others are numbers of chance, so that
// no list can know them.
var published = [kinds][]int{
	hosting:    {14061, 16276, 24940, 20473, 63949, 51167, 16509, 396982, 9009, 60781},
	anonymizer: {9009, 212238, 60068, 136787},
	gateway:    {62044, 53813, 22616, 55256},
	relay:      {36183, 13335, 54113},
	microsoft:  {8075},
}

// network is a block of addresses of one provider: one or more IPv4 /24s, and IPv6 where the provider has it.
type network struct {
	kind  kind
	asn   int
	city  *city
	four  []string // the first three numbers
	six   string   // the first three groups; the fourth is the subscriber's
	named string   // the tenant's name for it, where it is a named location
	// details are rendered once: they are the same for every row.
	location, locations string
}

// place is an address in a network.
type place struct {
	net     *network
	address string
}

// internet makes networks.
type internet struct {
	d         dice
	used      map[string]bool
	providers map[string][]int
}

func newInternet(d dice) *internet {
	return &internet{d: d, used: map[string]bool{}, providers: map[string][]int{}}
}

// providersOf are the autonomous systems of a kind in a country. Homes, hotels, cafes and small offices share them, and
// brands of anonymizers are the same everywhere.
func (n *internet) providersOf(k kind, country string) []int {
	key := fmt.Sprint(k, country)
	switch k {
	case office, home, guestWifi:
		key = "eyeball" + country
	case anonymizer, gateway, relay, microsoft:
		key = fmt.Sprint(k)
	}
	if list := n.providers[key]; list != nil {
		return list
	}
	list := append([]int(nil), published[k]...)
	if k != microsoft && k != relay {
		for range n.d.between(4, 6) {
			list = append(list, n.d.between(1500, 401000))
		}
	}
	n.providers[key] = list
	return list
}

// at makes a network of a kind in a city. One in seven is said to be elsewhere in the country: so good are geographic
// databases, and carriers' are worse.
func (n *internet) at(k kind, c *city) *network {
	return n.of(k, c, pick(n.d, n.providersOf(k, c.country)))
}

func (n *internet) of(k kind, c *city, asn int) *network {
	wrong := 0.14
	if k == carrier {
		wrong = 0.5
	}
	if n.d.chance(wrong) {
		c = n.cityOf(c.country)
	}
	net := &network{kind: k, asn: asn, city: c}
	count := 1
	switch k {
	case carrier:
		count = n.d.between(3, 8)
	case anonymizer, gateway, relay:
		count = n.d.between(2, 5)
	}
	for range count {
		net.four = append(net.four, n.block())
	}
	if k == carrier && n.d.chance(0.7) || k == relay || n.d.chance(0.3) && k != gateway && k != office {
		net.six = fmt.Sprintf("%s:%x:%x", pick(n.d, []string{"2001", "2003", "2600", "2601", "2607", "2a00", "2a01", "2a02", "2a04", "2a09", "2a0c", "2400"}), n.d.between(0x100, 0xffff), n.d.between(1, 0xffff))
	}
	net.render()
	return net
}

// block is a public /24 that nobody has yet.
func (n *internet) block() string {
	reserved := []int{127, 169, 172, 192, 198, 203, 100}
	for {
		first := n.d.between(11, 222)
		text := fmt.Sprintf("%d.%d.%d", first, n.d.between(0, 255), n.d.between(0, 255))
		if !slices.Contains(reserved, first) && !n.used[text] {
			n.used[text] = true
			return text
		}
	}
}

func (n *internet) cityOf(country string) *city {
	var of []*city
	for i := range cities {
		if cities[i].country == country {
			of = append(of, &cities[i])
		}
	}
	return pick(n.d, of)
}

// elsewhere is a city in another country.
func (n *internet) elsewhere(d dice, c *city) *city {
	for {
		if other := &cities[d.IntN(len(cities))]; other.country != c.country {
			return other
		}
	}
}

func (net *network) render() {
	net.location = fmt.Sprintf(`{"city":%q,"state":%q,"countryOrRegion":%q,"geoCoordinates":{"latitude":%.14g,"longitude":%.14g}}`, net.city.name, net.city.state, net.city.country, net.city.lat, net.city.lon)
	net.locations = "[]"
	if net.named != "" {
		net.locations = fmt.Sprintf(`[{"networkType":"trustedNamedLocation","networkNames":[%q]}]`, net.named)
	}
}

// host is an address for a while: IPv6 where both ends have it and chance wills, in the /64 of the subscriber.
func (net *network) host(d dice, subscriber int) place {
	if net.six != "" && d.chance(0.6) {
		return place{net, fmt.Sprintf("%s:%x:%x:%x:%x:%x", net.six, subscriber, d.between(0x1000, 0xffff), d.between(1, 0xffff), d.between(1, 0xffff), d.between(1, 0xffff))}
	}
	return place{net, fmt.Sprintf("%s.%d", pick(d, net.four), d.between(2, 253))}
}

// only4 is a fixed address, as servers, offices and most homes have it.
func (net *network) only4(d dice) place {
	return place{net, fmt.Sprintf("%s.%d", net.four[0], d.between(2, 253))}
}

// cidrs are the network's blocks.
func (net *network) cidrs() []string {
	var out []string
	for _, f := range net.four {
		out = append(out, f+".0/24")
	}
	if net.six != "" {
		out = append(out, net.six+"::/48")
	}
	return out
}
