package tenant

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIndicators reads each kind of list.
func TestIndicators(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		skipped    int
	}{
		"csv": {
			"type,value,note\nip,192.0.2.1,x\nip-dst,192.0.2.0/24,\nuser-agent,python-requests,\nsha256,ab,\nappid,04b07795-8ddb-461a-bbee-02f9e1bf7b46,\nip,192.0.2.1,again\n",
			"app_id 04b07795-8ddb-461a-bbee-02f9e1bf7b46|cidr 192.0.2.0/24|ip 192.0.2.1|user_agent python-requests", 1,
		},
		"a column": {"ip\n192.0.2.1\n192.0.2.0/24\n", "cidr 192.0.2.0/24|ip 192.0.2.1", 0},
		"columns":  {"seen,IP Address,User-Agent\n2026-03-20,192.0.2.1,axios\n2026-03-21,,curl\n", "ip 192.0.2.1|user_agent axios|user_agent curl", 0},
		"plain": {
			"\ufeff# seen at the proxy\n192.0.2.7\n2001:db8::/32\n198.51.100.4/32\n04b07795-8ddb-461a-bbee-02f9e1bf7b46\naxios/1.7\n",
			"cidr 2001:db8::/32|id 04b07795-8ddb-461a-bbee-02f9e1bf7b46|ip 192.0.2.7|ip 198.51.100.4|user_agent axios/1.7", 0,
		},
		"stix": {
			`{"type":"bundle","objects":[{"type":"indicator","pattern":"[ipv4-addr:value = '192.0.2.1' OR ipv6-addr:value = '2001:db8::1']"},{"type":"indicator","pattern":"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'axios']"},{"type":"indicator","pattern":"[file:name = 'x']"}]}`,
			"ip 192.0.2.1|ip 2001:db8::1|user_agent axios", 1,
		},
		"misp": {
			`{"response":[{"Event":{"Attribute":[{"type":"ip-src","value":"192.0.2.1"},{"type":"md5","value":"00"}],"Object":[{"Attribute":[{"type":"user-agent","value":"axios"}]}]}}]}`,
			"ip 192.0.2.1|user_agent axios", 1,
		},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, skipped, err := Indicators(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range list.Rows {
			got = append(got, strings.Join(row, " "))
		}
		if want := strings.Split(c.want, "|"); !slices.Equal(got, want) || len(skipped) != c.skipped {
			t.Errorf("%s: %q, skipped %q, want %q", name, got, skipped, want)
		}
	}
}

// TestIndicatorsInOneOrder reads a document whose members a map holds: what is passed over comes in one order.
func TestIndicatorsInOneOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "misp.json")
	text := `{"c":{"type":"md5","value":"3"},"a":{"type":"sha1","value":"1"},"b":{"type":"sha256","value":"2"},"d":{"type":"ip-src","value":"192.0.2.1"}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_, skipped, err := Indicators(path)
		if want := []string{"sha1 1", "sha256 2", "md5 3"}; err != nil || !slices.Equal(skipped, want) {
			t.Fatalf("skipped %q, %v; want %q", skipped, err, want)
		}
	}
}

// FuzzIndicators reads any bytes as a list: no panic, and each indicator is of a kind that is looked for, once.
func FuzzIndicators(f *testing.F) {
	for _, seed := range []string{"type,value\nip,192.0.2.1\n", "192.0.2.7\n2001:db8::/32\n", `{"pattern":"[ipv4-addr:value = '192.0.2.1']"}`, `[{"type":"ip-src","value":"192.0.2.1"}]`} {
		f.Add([]byte(seed))
	}
	kinds := []string{"ip", "cidr", "user_agent", "app_id", "session_id", "token_id", "device_id", "id"}
	f.Fuzz(func(t *testing.T, content []byte) {
		list, _, err := indicators(content)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, row := range list.Rows {
			key := strings.Join(row, "\x00")
			if len(row) != 2 || !slices.Contains(kinds, row[0]) || row[1] == "" || seen[key] {
				t.Errorf("%q of %q", row, content)
			}
			seen[key] = true
		}
	})
}
