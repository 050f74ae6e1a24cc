package casefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// places writes a database in which the first half of all IPv6 addresses, and thereby all of IPv4, is one place.
// https://maxmind.github.io/MaxMind-DB/
func places(t *testing.T, record map[string]any) string {
	t.Helper()
	tree := []byte{0, 0, 1 + 16, 0, 0, 1} // one node: the record at the data's beginning, nothing
	var data bytes.Buffer
	encodeMMDB(&data, record)
	file := append(append(tree, make([]byte, 16)...), data.Bytes()...)
	file = append(file, "\xab\xcd\xefMaxMind.com"...)
	var meta bytes.Buffer
	encodeMMDB(&meta, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1700000000),
		"database_type": "Test-City", "ip_version": uint16(6), "node_count": uint32(1), "record_size": uint16(24),
		"languages": []any{"en"}, "description": map[string]any{"en": "one place"},
	})
	path := filepath.Join(t.TempDir(), "city.mmdb")
	if err := os.WriteFile(path, append(file, meta.Bytes()...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// encodeMMDB writes a value: a control byte with its type and size, and for types above 7 a byte more.
func encodeMMDB(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case string:
		if len(v) < 29 {
			b.WriteByte(2<<5 | byte(len(v)))
		} else { // and what is beyond
			b.Write([]byte{2<<5 | 29, byte(len(v) - 29)})
		}
		b.WriteString(v)
	case float64:
		b.WriteByte(3<<5 | 8)
		_ = binary.Write(b, binary.BigEndian, math.Float64bits(v))
	case uint16:
		b.WriteByte(5<<5 | 2)
		_ = binary.Write(b, binary.BigEndian, v)
	case uint32:
		b.WriteByte(6<<5 | 4)
		_ = binary.Write(b, binary.BigEndian, v)
	case uint64:
		b.Write([]byte{8, 9 - 7})
		_ = binary.Write(b, binary.BigEndian, v)
	case map[string]any:
		b.WriteByte(7<<5 | byte(len(v)))
		for key, value := range v {
			encodeMMDB(b, key)
			encodeMMDB(b, value)
		}
	case []any:
		b.Write([]byte{byte(len(v)), 11 - 7})
		for _, value := range v {
			encodeMMDB(b, value)
		}
	}
}

// TestPlaces asks for the whereabouts of addresses. The answer is the documented one of a place in Sydney.
func TestPlaces(t *testing.T) {
	name := func(s string) map[string]any { return map[string]any{"names": map[string]any{"en": s}} }
	path := places(t, map[string]any{
		"country": name("Australia"), "subdivisions": []any{name("New South Wales")}, "city": name("Sydney"),
		"location": map[string]any{"latitude": -33.8715, "longitude": 151.2006},
	})
	ctx := context.Background()
	c, err := Open(ctx, Options{Places: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for address, want := range map[string]string{
		"20.53.203.50": `{"country":"Australia","state":"New South Wales","city":"Sydney","latitude":-33.8715,"longitude":151.2006}`,
		"2a03:2880::1": `{"country":"Australia","state":"New South Wales","city":"Sydney","latitude":-33.8715,"longitude":151.2006}`,
		"fe80::1":      "null",
		"nowhere":      "null",
		"":             "null",
	} {
		text := "print geo_info_from_ip_address('" + address + "')"
		rows, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: "q", Text: text}})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := string(schema.AppendJSON(nil, schema.Dynamic, rows.Rows[0][0])); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	_, err = Open(ctx, Options{Places: filepath.Join(t.TempDir(), "none.mmdb")})
	var none *NoPlaces
	if !errors.As(err, &none) {
		t.Errorf("a database that is not there: got %v, want NoPlaces", err)
	}
}

// TestProviders asks for the providers of addresses of which the sign-ins name none.
func TestProviders(t *testing.T) {
	path := places(t, map[string]any{"autonomous_system_number": uint32(64500), "autonomous_system_organization": "Example Net"})
	ctx := context.Background()
	c := openTest(t)
	storeAll(t, c)
	for _, row := range []string{"'203.0.113.5', ''", "'203.0.113.6', '64501'", "'2001:db8::1', '0'", "'fe80::1', ''", "'nowhere', ''"} {
		if err := c.Exec(ctx, "INSERT INTO SigninLogs (IPAddress, AutonomousSystemNumber) VALUES ("+row+")"); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddProviders(ctx, path); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(ctx, kql.Request{Source: &diag.Source{Name: "q", Text: "_GetWatchlist('AutonomousSystems') | project ip, asn, organization | sort by ip asc"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(rows.Rows), "[[2001:db8::1 64500 Example Net] [203.0.113.5 64500 Example Net]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var none *NoPlaces
	if err := c.AddProviders(ctx, filepath.Join(t.TempDir(), "none.mmdb")); !errors.As(err, &none) {
		t.Errorf("a database that is not there: got %v, want NoPlaces", err)
	}
}
