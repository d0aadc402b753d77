// A receiver, with what JDK 17 has: WEBHOOK_SECRET=whsec_… java Verify.java
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Verify {
    static final String SECRET = setting("WEBHOOK_SECRET", "");
    static final byte[] KEY = Base64.getDecoder().decode(SECRET.replaceFirst("^whsec_", ""));
    static final Path INBOX = Path.of(setting("INBOX", "inbox"));
    static final long TOLERANCE = 5 * 60; // seconds that the clocks may differ, and an attempt be old
    static final int LARGEST = 1024 * 1024; // bytes

    /** Whether the body, as it came, is signed with our secret, and not long ago. */
    static boolean verify(Headers headers, byte[] body, long now) throws GeneralSecurityException {
        String id = headers.getFirst("webhook-id");
        String timestamp = headers.getFirst("webhook-timestamp");
        String signatures = headers.getFirst("webhook-signature");
        if (id == null || timestamp == null || signatures == null) return false;
        if (!timestamp.matches("[0-9]{1,12}")) return false;
        if (Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE) return false;
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes();
        // While a secret is exchanged there are two signatures. One that fits is enough.
        for (String given : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected, given.getBytes())) return true;
        }
        return false;
    }

    /** False if it came before. The folder stands for a table: INSERT … ON CONFLICT DO NOTHING. */
    static boolean store(String id, byte[] body) throws IOException {
        try {
            Files.write(INBOX.resolve(id), body, StandardOpenOption.CREATE_NEW);
            return true;
        } catch (FileAlreadyExistsException again) {
            return false;
        }
    }

    static int receive(HttpExchange exchange) throws IOException, GeneralSecurityException {
        if (!exchange.getRequestMethod().equals("POST")) return 405;
        // The raw body: written anew it would have another signature.
        byte[] body = exchange.getRequestBody().readNBytes(LARGEST + 1);
        if (body.length > LARGEST) return 413;
        if (!verify(exchange.getRequestHeaders(), body, System.currentTimeMillis() / 1000)) return 401;
        String id = exchange.getRequestHeaders().getFirst("webhook-id");
        if (store(id, body)) System.out.println("stored " + id);
        return 204; // stored is enough: the work on it is done afterwards, by something else
    }

    static void answer(HttpExchange exchange) throws IOException {
        int status = 500; // if it could not be stored: not 2xx, so it comes again
        try {
            status = receive(exchange);
        } catch (IOException | GeneralSecurityException error) {
            error.printStackTrace();
        }
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    public static void main(String[] arguments) throws IOException {
        // With an empty key anybody could sign.
        if (KEY.length == 0) throw new IllegalStateException("WEBHOOK_SECRET is empty");
        Files.createDirectories(INBOX);
        int port = Integer.parseInt(setting("PORT", "9000"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", Verify::answer);
        server.start();
    }
}
