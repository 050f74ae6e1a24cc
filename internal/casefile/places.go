package casefile

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// NoPlaces is a database of addresses that cannot be read.
type NoPlaces struct{ Err error }

// Error says why.
func (e *NoPlaces) Error() string { return "the database of addresses: " + e.Err.Error() }

// place is what a city database of MaxMind's form knows of an address.
// https://dev.maxmind.com/geoip/docs/databases/city-and-country
type place struct {
	Country      translated   `maxminddb:"country"`
	Subdivisions []translated `maxminddb:"subdivisions"`
	City         translated   `maxminddb:"city"`
	Location     struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
}

type translated struct {
	Names struct {
		English string `maxminddb:"en"`
	} `maxminddb:"names"`
}

// openPlaces opens the database of addresses that was named, if there is one.
func (c *Case) openPlaces() (err error) {
	if c.opt.Places == "" {
		return nil
	}
	c.places, err = maxminddb.Open(c.opt.Places)
	if err != nil {
		return &NoPlaces{err}
	}
	return nil
}

// whereabouts answers geo_info_from_ip_address: null for what is no address, or is not in the database. A part that the
// database does not know is left out.
// https://learn.microsoft.com/kusto/query/geo-info-from-ip-address-function
func (c *Case) whereabouts(args []schema.Value) (schema.Value, error) {
	text, _ := args[0].(string)
	address, err := netip.ParseAddr(text)
	if err != nil {
		return nil, nil
	}
	found := c.places.Lookup(address.WithZone(""))
	if !found.Found() {
		return nil, found.Err()
	}
	var p place
	if err := found.Decode(&p); err != nil {
		return nil, fmt.Errorf("read %s in the database of addresses: %w", address, err)
	}
	out := struct {
		Country   string   `json:"country,omitempty"`
		State     string   `json:"state,omitempty"`
		City      string   `json:"city,omitempty"`
		Latitude  *float64 `json:"latitude,omitempty"`
		Longitude *float64 `json:"longitude,omitempty"`
	}{Country: p.Country.Names.English, City: p.City.Names.English, Latitude: p.Location.Latitude, Longitude: p.Location.Longitude}
	if len(p.Subdivisions) > 0 {
		out.State = p.Subdivisions[0].Names.English
	}
	bag, err := json.Marshal(out)
	return json.RawMessage(bag), err
}
