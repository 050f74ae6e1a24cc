package tenant

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// indicatorKinds are the kinds of indicators, each with the names that lists, STIX and MISP have for it.
// https://docs.oasis-open.org/cti/stix/v2.1/stix-v2.1.html https://www.circl.lu/doc/misp/categories-and-types/
var indicatorKinds = map[string]string{
	"ip": "ip", "ip-src": "ip", "ip-dst": "ip", "ipv4-addr": "ip", "ipv6-addr": "ip", "ip address": "ip", "ipaddress": "ip", "ip_address": "ip",
	"cidr": "cidr", "network": "cidr", "subnet": "cidr",
	"user_agent": "user_agent", "user-agent": "user_agent", "useragent": "user_agent", "user agent": "user_agent",
	"app_id": "app_id", "appid": "app_id", "client_id": "app_id", "application_id": "app_id",
	"session_id": "session_id", "sessionid": "session_id",
	"token_id": "token_id", "uti": "token_id", "uniquetokenidentifier": "token_id",
	"device_id": "device_id", "deviceid": "device_id",
}

// pattern finds the comparisons of a STIX pattern that name something which occurs in sign-ins.
var pattern = regexp.MustCompile(`(ipv4-addr|ipv6-addr):value\s*=\s*'([^']+)'|'User-Agent'\s*=\s*'([^']+)'`)

// Indicators reads a list of indicators of compromise as the watchlist Indicators, with the columns kind and value: a
// CSV with the columns type and value or with columns named by kinds, a plain list of values, STIX or MISP. A value without a kind is told by its form;
// an identifier without one is looked for as an application, a session, a token and a device. What no kind is known for
// is listed in skipped.
func Indicators(path string) (t Table, skipped []string, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return t, nil, fmt.Errorf("read the indicators: %w", err)
	}
	if t, skipped, err = indicators(content); err != nil {
		return t, skipped, fmt.Errorf("read the indicators %s: %w", path, err)
	}
	return t, skipped, nil
}

func indicators(content []byte) (t Table, skipped []string, err error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	r := &indicatorReader{seen: map[[2]string]bool{}}
	if trimmed := bytes.TrimSpace(content); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		var document any
		if err := json.Unmarshal(content, &document); err != nil {
			return t, nil, err
		}
		r.walk(document)
	} else if err := r.list(content); err != nil {
		return t, nil, err
	}
	if len(r.rows) == 0 {
		return t, r.skipped, errors.New("it holds no indicator that occurs in sign-ins: ip, cidr, user_agent, app_id, session_id, token_id or device_id")
	}
	sort.Slice(r.rows, func(i, j int) bool {
		return r.rows[i][0]+"\x00"+r.rows[i][1] < r.rows[j][0]+"\x00"+r.rows[j][1]
	})
	return Table{Columns: []string{"kind", "value"}, Rows: r.rows}, r.skipped, nil
}

type indicatorReader struct {
	rows    [][]string
	seen    map[[2]string]bool
	skipped []string
}

// add adds a value of a kind as the list calls it.
func (r *indicatorReader) add(kind, value string) {
	value = strings.TrimSpace(value)
	if value == "" {
		return
	}
	known, ok := indicatorKinds[strings.ToLower(strings.TrimSpace(kind))]
	switch {
	case kind == "":
		known = form(value)
	case !ok:
		r.skipped = append(r.skipped, kind+" "+value)
		return
	}
	if known == "ip" && strings.Contains(value, "/") {
		known = "cidr"
	}
	if p, err := netip.ParsePrefix(value); err == nil && known == "cidr" && p.IsSingleIP() {
		known, value = "ip", p.Addr().String()
	}
	if key := [2]string{known, value}; !r.seen[key] {
		r.seen[key] = true
		r.rows = append(r.rows, []string{known, value})
	}
}

var identifier = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// form tells the kind of a bare value.
func form(value string) string {
	if _, err := netip.ParseAddr(value); err == nil {
		return "ip"
	}
	if _, err := netip.ParsePrefix(value); err == nil {
		return "cidr"
	}
	if identifier.MatchString(value) {
		return "id"
	}
	return "user_agent"
}

// headedKinds are the kinds that a header names, by column.
func headedKinds(header []string) map[int]string {
	out := map[int]string{}
	for i, name := range header {
		if kind, ok := indicatorKinds[strings.ToLower(strings.TrimSpace(name))]; ok {
			out[i] = kind
		}
	}
	return out
}

// list reads a CSV with a header, or values one per line.
func (r *indicatorReader) list(content []byte) error {
	in := csv.NewReader(bytes.NewReader(content))
	in.FieldsPerRecord, in.LazyQuotes, in.Comment = -1, true, '#'
	records, err := in.ReadAll()
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errors.New("the list is empty")
	}
	kind, value := -1, -1
	for i, name := range records[0] {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "type", "kind", "indicator_type":
			kind = i
		case "value", "indicator", "ioc", "observable":
			value = i
		}
	}
	if kinds := headedKinds(records[0]); value < 0 && len(kinds) > 0 { // each column is named by the kind of its values
		for _, record := range records[1:] {
			for i, cell := range record {
				if name := kinds[i]; name != "" {
					r.add(name, cell)
				}
			}
		}
		return nil
	}
	if value < 0 { // no header: the first column is the list
		for _, record := range records {
			r.add("", record[0])
		}
		return nil
	}
	for _, record := range records[1:] {
		if value < len(record) {
			k := ""
			if kind >= 0 && kind < len(record) {
				k = record[kind]
			}
			r.add(k, record[value])
		}
	}
	return nil
}

// walk finds the attributes of MISP, {"type", "value"}, and the patterns of STIX anywhere in a document.
func (r *indicatorReader) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			r.walk(x)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		if value, ok := v["value"].(string); ok && kind != "" {
			r.add(kind, value)
		}
		if text, ok := v["pattern"].(string); ok {
			found := pattern.FindAllStringSubmatch(text, -1)
			for _, m := range found {
				if m[1] != "" {
					r.add(m[1], m[2])
				} else {
					r.add("user-agent", m[3])
				}
			}
			if len(found) == 0 {
				r.skipped = append(r.skipped, text)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) { // what is skipped first is told
			r.walk(v[key])
		}
	}
}
