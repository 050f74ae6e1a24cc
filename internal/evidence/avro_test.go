package evidence

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

// captureSchema is that of Event Hubs' capture.
// https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
const captureSchema = `{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
 {"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
 {"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
 {"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},
 {"name":"Body","type":["null","bytes"]}]}`

// captured is a capture of messages.
func captured(t testing.TB, codec []ocf.WriterOpt, bodies ...string) []byte {
	t.Helper()
	schema, err := avro.Parse(captureSchema)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := ocf.NewWriter(&b, schema, codec...)
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range bodies {
		event := map[string]any{
			"SequenceNumber": int64(i), "Offset": "0", "EnqueuedTimeUtc": "3/20/2026 10:00:00 AM", "Body": []byte(body),
			"SystemProperties": map[string]any{"x-opt-enqueued-time": int64(1774000800000)}, "Properties": map[string]any{},
		}
		if err := w.Encode(&event); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAvro reads what Event Hubs captured: each message holds several records.
func TestAvro(t *testing.T) {
	record := func(id string) string {
		return `{"category":"NonInteractiveUserSignInLogs","time":"2026-03-20T10:02:00Z","properties":{"id":"` + id + `","createdDateTime":"2026-03-20T10:00:00Z","userPrincipalName":"ann@example.com"}}`
	}
	for name, codec := range map[string][]ocf.WriterOpt{"plain": nil, "deflate": {ocf.WithCodec(ocf.DeflateCodec(-1))}, "snappy": {ocf.WithCodec(ocf.SnappyCodec())}} {
		text := captured(t, codec, `{"records":[`+record("i1")+","+record("i2")+"]}", `{"records":[`+record("i3")+"]}", "heartbeat")
		path := filepath.Join(t.TempDir(), "10.avro")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		file, rows, rejects := records(t, path)
		var ids []string
		for _, row := range rows {
			ids = append(ids, row["table"]+" "+row["Id"]+" "+row["line"])
		}
		const quiet = "AADNonInteractiveUserSignInLogs"
		if want := quiet + " i1 1," + quiet + " i2 1," + quiet + " i3 2"; strings.Join(ids, ",") != want {
			t.Errorf("%s: %q, want %q", name, ids, want)
		}
		if len(rejects) != 1 || rejects[0]["reject"] != CodeUnrecognised || rejects[0]["line"] != "3" {
			t.Errorf("%s: rejected %v", name, rejects)
		}
		if file.ShapeName() != "siem-message/azure-monitor" {
			t.Errorf("%s: recognised as %s", name, file.ShapeName())
		}
		// A file that was cut off: what came before stays, and the rest is said.
		if err := os.WriteFile(path, text[:len(text)-20], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := new(Files).Open(path, file.shapes); err == nil {
			if _, rows, rejects := records(t, path); len(rejects) == 0 {
				t.Errorf("%s: nothing is said of a capture that was cut off, %d rows", name, len(rows))
			}
		}
	}
}
